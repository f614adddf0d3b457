using System.Globalization;
using SmartFrz.Freeze;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary>The table at the end of a run.</summary>
internal static class SummaryTable
{
    /// <summary>Prints a column for each run.</summary>
    public static void Print(IReadOnlyList<RunSummary> runs)
    {
        var table = new Table().AddColumn("");
        foreach (var run in runs)
        {
            table.AddColumn(string.Create(CultureInfo.InvariantCulture, $"{run.Model} {run.Policy} seed {run.Seed}"));
        }

        var figures = runs.Select(RunFigures.Of).ToList();
        for (int row = 0; row < figures[0].Count; row++)
        {
            table.AddRow([figures[0][row].Name, .. figures.Select(f => Markup.Escape(f[row].Value))]);
        }

        AnsiConsole.Write(table);
    }
}
