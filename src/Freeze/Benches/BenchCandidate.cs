using System.Diagnostics;
using MathNet.Numerics.Statistics;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>A network with a frozen prefix, and the times of its steps.</summary>
internal sealed class BenchCandidate : IDisposable
{
    private readonly double _percent;
    private readonly int _frozenUnits;
    private readonly Engine _engine;
    private readonly BatchTraining _training;
    private readonly List<double> _wall = [], _cpu = [], _allocated = [];
    private readonly List<List<LaunchRecord>> _traces = [];

    /// <summary>Builds the network and freezes its first units.</summary>
    /// <exception cref="OptionException">Nothing would be left to train, or an option does not fit.</exception>
    public BenchCandidate(RunConfig config, StepBenchOptions options, double percent, Device device)
    {
        _percent = percent;
        _engine = new Engine(device);
        try
        {
            Network = ConfiguredNetwork.Build(_engine, config, new NetworkInput(Size: options.Size));
            ConfiguredNetwork.LoadWeights(Network, config);
            _frozenUnits = UnitsOf(Network, percent);
            var batch = MadeUpBatch.Of(Network, config.Train.Batch, config.Train.Seed, options.Size, options.Length);
            Input = batch.Inputs[0].Shape;
            batch.Check(Network);
            var optimizer = Optimizers.Read(config.Optimizer);
            var schedule = new ConstantSchedule(optimizer.Options.Lr);
            _training = new BatchTraining(Network, optimizer, schedule, config.Train, batch, options.WarmUp + options.Steps + options.KernelSteps);
            if (_frozenUnits > 0)
            {
                _training.Freezer.Freeze([.. Network.Units.Take(_frozenUnits).SelectMany(u => u.Prefixes)]);
            }
        }
        catch
        {
            _engine.Dispose();
            throw;
        }
    }

    public Network Network { get; }

    /// <summary>The shape of the batch.</summary>
    public Shape Input { get; }

    /// <summary>The most device memory alive in a measured step.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Runs a step to its end.</summary>
    public void Step(bool measured)
    {
        var memory = _engine.Context.Memory;
        memory.ResetPeak();
        _engine.Context.Synchronize();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        var cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        _training.Step();
        _engine.Context.Synchronize();
        double wall = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (measured)
        {
            _wall.Add(wall);
            _cpu.Add((Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
            _allocated.Add(GC.GetTotalAllocatedBytes(precise: true) - allocated);
            PeakBytes = Math.Max(PeakBytes, memory.Peak);
        }
    }

    /// <summary>Runs a step and times each of its launches.</summary>
    public void StepByKernels()
    {
        var ledger = _engine.Context.Launches;
        var trace = new List<LaunchRecord>();
        (ledger.Timing, ledger.Trace) = (true, trace);
        try
        {
            _training.Step();
        }
        finally
        {
            (ledger.Timing, ledger.Trace) = (false, null);
        }

        _traces.Add(trace);
    }

    /// <summary>What was measured, beside the same network with nothing frozen.</summary>
    public StepBenchRow Row(BenchCandidate plain)
    {
        var (own, all) = (StepKernels.Of(_traces), StepKernels.Of(plain._traces));
        double median = _wall.Median(), unfrozen = plain._wall.Median();
        double flopIdeal = (double)own.Flops / all.Flops, ledgerIdeal = own.SecondsBy(all) / all.Seconds;
        return new StepBenchRow
        {
            Frozen = _percent,
            K = _frozenUnits,
            Units = Network.Units.Count,
            MedianMs = median,
            MinMs = _wall.Min(),
            CpuMs = _cpu.Median(),
            PeakBytes = PeakBytes,
            ManagedBytes = (long)_allocated.Median(),
            FlopIdeal = flopIdeal,
            LedgerIdeal = ledgerIdeal,
            Measured = median / unfrozen,
            Efficiency = ledgerIdeal * unfrozen / median,
            KernelMs = 1000 * own.Seconds,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _training.Dispose();
        Network.Dispose();
        _engine.Dispose();
    }

    private static int UnitsOf(Network network, double percent)
    {
        int units = network.Units.Count;
        double k = Math.Round(percent / 100 * units, MidpointRounding.ToEven);
        return k >= 0 && k < units
            ? (int)k
            : throw new OptionException(FormattableString.Invariant($"{percent} % of the {units} units of {network.Name} frozen: 0 to {units - 1} of them are expected"));
    }
}
