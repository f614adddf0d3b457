using SmartFrz.Freeze;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary>Chooses how progress is shown.</summary>
internal static class ProgressDisplay
{
    // A plain log shows that a long epoch is alive, without filling pages.
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    /// <summary>A picture of the run that is redrawn where standard error is a terminal, lines where it is not.</summary>
    /// <param name="quiet">Whether nothing is shown.</param>
    /// <param name="plain">Whether lines are wanted in any case, because something else writes there too.</param>
    public static IProgressDisplay Create(bool quiet, bool plain = false)
    {
        if (quiet)
        {
            return new NoProgress();
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Profile is { Out.IsTerminal: true, Capabilities: { Ansi: true, Interactive: true } } && !plain
            ? new LiveProgress(console)
            : new LineProgress(Console.Error, LineInterval);
    }

    private sealed class NoProgress : IProgressDisplay
    {
        public void Watch(FreezeRun run, string name)
        {
        }

        public T While<T>(Func<T> work) => work();
    }
}
