using System.Diagnostics;
using System.Text.Json.Serialization;
using SmartFrz.Kernels;

namespace SmartFrz.Nn;

/// <summary>
/// What training itself costs: launches and seconds between <see cref="Open"/> and <see cref="Close"/>, so that evaluation and
/// checkpoints stay out.
/// </summary>
/// <remarks>
/// Where launches run behind the caller's back, timing each means waiting for it: then only some steps are timed, and the seconds of
/// a phase are scaled by its launches (those of the data by steps).
/// </remarks>
internal sealed class CostAccount(DeviceContext device)
{
    // The first steps compile kernels; one timed step in fifty costs about a percent.
    private const int SampleInterval = 50, FirstSample = 3;

    private static readonly int PhaseCount = Enum.GetValues<Phase>().Length;

    private readonly LaunchTotals[] _opened = new LaunchTotals[PhaseCount];
    private long _start;
    private bool _timed, _before;

    /// <summary>Whether only some steps are timed.</summary>
    public bool Sampled => device.Device.RunsAhead;

    /// <summary>Seconds between opening and closing, all in all.</summary>
    public double Seconds { get; private set; }

    /// <summary>All launches, and the seconds of the timed ones.</summary>
    public LaunchTotals[] Totals { get; private set; } = new LaunchTotals[PhaseCount];

    /// <summary>The timed launches.</summary>
    public long[] TimedLaunches { get; private set; } = new long[PhaseCount];

    /// <summary>Steps, and how many of them were timed.</summary>
    public long Steps { get; private set; }

    /// <summary>Steps that were timed.</summary>
    public long TimedSteps { get; private set; }

    /// <summary>Seconds that the timed steps waited for data.</summary>
    public double DataSeconds { get; private set; }

    /// <summary>All of it, for a checkpoint.</summary>
    public CostRecord Record
    {
        get => new([.. Totals], [.. TimedLaunches], Steps, TimedSteps, DataSeconds, Seconds);
        set
        {
            (Totals, TimedLaunches) = ([.. value.Totals], [.. value.TimedLaunches]);
            (Steps, TimedSteps, DataSeconds, Seconds) = (value.Steps, value.TimedSteps, value.DataSeconds, value.Seconds);
        }
    }

    /// <summary>Whether the launches of a step are timed.</summary>
    public bool IsTimed(long step) => !Sampled || step % SampleInterval == FirstSample;

    /// <summary>Begins to count.</summary>
    /// <param name="timed">Whether launches are timed.</param>
    public void Open(bool timed)
    {
        var ledger = device.Launches;
        _before = ledger.Timing;
        _timed = timed;
        if (timed && Sampled)
        {
            device.Synchronize();
        }

        ledger.Timing |= timed;
        for (int p = 0; p < PhaseCount; p++)
        {
            _opened[p] = ledger[(Phase)p];
        }

        _start = Stopwatch.GetTimestamp();
    }

    /// <summary>Counts a step and the seconds that it waited for its data.</summary>
    public void AddStep(double dataSeconds)
    {
        Steps++;
        if (_timed)
        {
            TimedSteps++;
            DataSeconds += dataSeconds;
        }
    }

    /// <summary>Ends what <see cref="Open"/> began.</summary>
    /// <returns>The seconds in between.</returns>
    public double Close()
    {
        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        var ledger = device.Launches;
        for (int p = 0; p < PhaseCount; p++)
        {
            var spent = ledger[(Phase)p] - _opened[p];
            Totals[p] += _timed ? spent : spent with { Seconds = 0 };
            TimedLaunches[p] += _timed ? spent.Launches : 0;
        }

        ledger.Timing = _before;
        Seconds += seconds;
        return seconds;
    }

    /// <summary>The totals with seconds for all launches.</summary>
    public TrainingCosts Costs()
    {
        var phases = new LaunchTotals[PhaseCount];
        for (int p = 0; p < PhaseCount; p++)
        {
            double scale = TimedLaunches[p] == 0 ? 0 : (double)Totals[p].Launches / TimedLaunches[p];
            phases[p] = Totals[p] with { Seconds = Totals[p].Seconds * scale };
        }

        double waiting = TimedSteps == 0 ? 0 : DataSeconds * Steps / TimedSteps;
        phases[(int)Phase.Data] += new LaunchTotals(0, 0, 0, waiting);
        return new TrainingCosts(phases, Sampled);
    }
}

/// <summary>A <see cref="CostAccount"/> as a checkpoint holds it.</summary>
internal sealed record CostRecord(
    IReadOnlyList<LaunchTotals> Totals, IReadOnlyList<long> TimedLaunches, long Steps, long TimedSteps, double DataSeconds, double Seconds)
{
    [JsonIgnore]
    public bool IsComplete => Totals.Count == Enum.GetValues<Phase>().Length && TimedLaunches.Count == Totals.Count;
}
