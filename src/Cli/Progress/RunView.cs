using System.Globalization;
using SmartFrz.Freeze;
using SmartFrz.Nn;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace SmartFrz.Cli;

/// <summary>A picture of a run: how far it is, how well it does, and a row for each unit with its state.</summary>
internal sealed class RunView(FreezeRun run, string name)
{
    // Title, bar, figures, an empty line, the table's head with its line, and the cursor's line.
    private const int LinesBesideUnits = 8;

    private const int BarWidth = 40;

    /// <summary>The picture.</summary>
    /// <param name="height">Lines of the screen: units that do not fit stand together in one row while they have one state.</param>
    /// <param name="sinceReport">How old the last report is: the time left is shorter by it.</param>
    public IRenderable Render(int height, TimeSpan sinceReport)
    {
        var context = run.Trainer.Context;
        return new Rows(
            new Markup(Markup.Escape(Text($"{(name.Length == 0 ? "" : name + ": ")}{run.Network.Name} on {run.Config.Data["name"]}, {run.Freezing.Policy.Name}")), new Style(decoration: Decoration.Bold)),
            new Text(Bar(context) + Text($"  epoch {context.EpochFraction:0.00} of {context.Epochs}, step {context.Step} of {context.TotalSteps}{Left(context, sinceReport)}")),
            new Text(Figures(context)),
            Units(context, Math.Max(1, height - LinesBesideUnits)));
    }

    private static string Bar(TrainingContext context)
    {
        int done = (int)(BarWidth * context.Step / Math.Max(1, context.TotalSteps));
        return new string('#', done) + new string('-', BarWidth - done);
    }

    private static string Left(TrainingContext context, TimeSpan sinceReport)
    {
        if (context.Step == context.TotalSteps || !double.IsFinite(context.SecondsLeft))
        {
            return "";
        }

        var left = TimeSpan.FromSeconds(Math.Max(0, Math.Round(context.SecondsLeft - sinceReport.TotalSeconds)));
        return Text($", {(long)left.TotalHours}:{left:mm\\:ss} left");
    }

    private static string Figures(TrainingContext context)
    {
        if (context.LastReport is not { } r)
        {
            return "no loss yet";
        }

        string test = context.LastEvaluation is { } t ? Text($"   test accuracy {100 * t.Accuracy:0.00} %") : "";
        return Text($"loss {r.Loss:0.0000}   accuracy {100 * r.Accuracy:0.0} %{test}   frozen {context.FrozenUnits} of {context.Model.Units.Count}   {r.ExamplesPerSecond:0} images/s");
    }

    private Table Units(TrainingContext context, int room)
    {
        var last = new Dictionary<string, FreezeEvent>(StringComparer.Ordinal);
        foreach (var change in run.Freezing.Events)
        {
            last[change.Unit] = change;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("unit", "state", "since epoch", "reason");
        foreach (var group in Groups(context, room))
        {
            var (first, end) = (group[0], group[^1]);
            bool frozen = context.IsFrozen(first);
            var change = last.GetValueOrDefault(end.Name);
            table.AddRow(
                new Text(group.Count == 1 ? first.Name : $"{first.Name} to {end.Name} ({group.Count})"),
                frozen ? new Text("frozen", new Style(Color.Blue)) : new Text(first.IsHead ? "head" : "trained", new Style(Color.Yellow)),
                new Text(change is null ? "" : Text($"{change.Epoch:0.00}")),
                new Text(change?.Reason ?? ""));
        }

        return table;
    }

    // Each unit by itself, or where there is no room for all, neighbours of one state together.
    private static List<List<FreezableUnit>> Groups(TrainingContext context, int room)
    {
        var units = context.Model.Units;
        var groups = new List<List<FreezableUnit>>();
        foreach (var unit in units)
        {
            if (units.Count > room && groups.Count > 0 && context.IsFrozen(groups[^1][0]) == context.IsFrozen(unit) && !unit.IsHead)
            {
                groups[^1].Add(unit);
            }
            else
            {
                groups.Add([unit]);
            }
        }

        return groups;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
