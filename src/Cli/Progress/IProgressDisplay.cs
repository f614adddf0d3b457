using SmartFrz.Freeze;

namespace SmartFrz.Cli;

/// <summary>Shows on standard error how training is going.</summary>
internal interface IProgressDisplay
{
    /// <summary>Shows a run from now on, in place of the one before. Called before the run begins.</summary>
    /// <param name="run">The run.</param>
    /// <param name="name">What it is called beside others; empty for a single run.</param>
    void Watch(FreezeRun run, string name);

    /// <summary>Does the work that is to be shown.</summary>
    T While<T>(Func<T> work);
}
