using System.Text.Json;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// One training run with a freezing policy, from a configuration: opens device and data, builds network, optimizer and policy,
/// trains, and sums up.
/// </summary>
public sealed class FreezeRun : IDisposable
{
    private readonly Device _device;
    private readonly bool _ownsDevice;

    /// <summary>Prepares a run. Everything that can be wrong with the configuration or the data is found here.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="embedded">Opens data that travel with the program; null where nothing travels.</param>
    /// <param name="device">The device, which stays the caller's; null opens the one of the configuration.</param>
    /// <param name="data">The data, where several runs share them; null opens those of the configuration.</param>
    /// <param name="checkpoints">The directory of checkpoints; null keeps none.</param>
    /// <param name="loadWeights">Whether the weights that the configuration names are loaded: not where a checkpoint brings its own.</param>
    /// <exception cref="OptionException">An option is unknown or does not fit.</exception>
    /// <exception cref="DataFormatException">The data are missing or damaged.</exception>
    /// <exception cref="WeightsFormatException">The weights are missing, damaged or do not fit.</exception>
    public FreezeRun(
        RunConfig config,
        Func<string, Stream?>? embedded = null,
        Device? device = null,
        DataSplits? data = null,
        string? checkpoints = null,
        bool loadWeights = true)
    {
        Checkpoints = checkpoints;
        var optimizer = Optimizers.Read(config.Optimizer);
        var schedule = Schedules.Read(config.Schedule);
        var common = OptionBinder.Bind<CommonFreezeOptions>(RunConfig.Only(config.Freeze, CommonFreezeOptions.Keys), "freeze");
        Freezing = new FreezeRunner(FreezePolicies.Create(PolicyOf(config), RunConfig.OptionsOf(config.Freeze, ["policy", .. CommonFreezeOptions.Keys])), common.Mode);
        Data = data ?? OpenData(config, embedded);
        Config = ResolvedConfig.Of(config, NetworkInput.Of(Data));
        _ownsDevice = device is null;
        _device = device ?? OpenDevice(config.Device);
        Engine = new Engine(_device);
        try
        {
            Network = ConfiguredNetwork.Build(Engine, config, NetworkInput.Of(Data));
            WeightsReport = loadWeights ? ConfiguredNetwork.LoadWeights(Network, config) : null;
            Optimizer = optimizer.Create(Network);
            Trainer = MakeTrainer(schedule.Create(optimizer.Options.Lr));
        }
        catch
        {
            Engine.Dispose();
            if (_ownsDevice)
            {
                _device.Dispose();
            }

            throw;
        }

        Trainer.Add(Freezing);
    }

    /// <summary>The configuration, with every option written out: enough to run it again.</summary>
    public RunConfig Config { get; }

    /// <summary>The directory of checkpoints; null keeps none.</summary>
    public string? Checkpoints { get; }

    /// <summary>The data.</summary>
    public DataSplits Data { get; }

    /// <summary>The engine.</summary>
    public Engine Engine { get; }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>What of the given weights did not fit, where that is allowed; null where nothing was left out.</summary>
    public StateDictReport? WeightsReport { get; }

    /// <summary>The optimizer.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The policy at work.</summary>
    public FreezeRunner Freezing { get; }

    /// <summary>The trainer; callbacks may be added before the run.</summary>
    public Trainer Trainer { get; }

    /// <summary>Opens the device of a configuration.</summary>
    /// <exception cref="DeviceException">It is unknown or not present.</exception>
    public static Device OpenDevice(DeviceConfig config)
    {
        var device = Devices.Open(config.Name, config.Threads, config.Isa);
        if (config.Precision == "fp32")
        {
            return device;
        }

        string kind = device.Kind;
        device.Dispose();
        throw new OptionException(config.Precision is "tf32" or "bf16"
            ? $"precision '{config.Precision}' was asked for, on {kind} this version computes in fp32"
            : $"unknown precision '{config.Precision}'; known: fp32, tf32, bf16");
    }

    /// <summary>Opens the data of a configuration.</summary>
    public static DataSplits OpenData(RunConfig config, Func<string, Stream?>? embedded)
    {
        var common = OptionBinder.Bind<CommonDataOptions>(RunConfig.Only(config.Data, CommonDataOptions.Keys), "data");
        var (name, options) = OptionBinder.Named(config.Data, "data", "");
        return DataSources.Find(name).Open(new DataOptions
        {
            Directory = common.Dir,
            Embedded = embedded,
            Values = RunConfig.OptionsOf(options, CommonDataOptions.Keys),
            LimitTrain = common.LimitTrain,
            LimitTest = common.LimitTest,
            Threads = config.Device.Threads,
        });
    }

    /// <summary>Trains, and sums up.</summary>
    public (TrainingResult Result, RunSummary Summary) Run(CancellationToken stop = default)
    {
        var result = Trainer.Run(stop);
        return (result, Summarise(result));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Freezing.Policy.Dispose();
        Trainer.Dispose();
        Optimizer.Dispose();
        Network.Dispose();
        Engine.Dispose();
        if (_ownsDevice)
        {
            _device.Dispose();
        }
    }

    internal static string PolicyOf(RunConfig config) => (string?)config.Freeze["policy"] ?? "none";

    private Trainer MakeTrainer(ISchedule schedule)
    {
        var config = Config.Train;
        var train = new TrainingBatchOptions { BatchSize = config.Batch, Seed = config.Seed, CropPadding = config.Crop, Flip = config.Flip };
        var options = new TrainerOptions
        {
            Epochs = config.Epochs,
            LabelSmoothing = config.LabelSmoothing,
            ClipNorm = config.ClipNorm,
            Accumulate = config.Accumulate,
            Patience = config.Patience,
            LogInterval = config.LogInterval,
            CheckpointDirectory = Checkpoints,
            KeepCheckpoints = config.KeepCheckpoints,
            Config = JsonSerializer.Serialize(Config, OptionBinder.Json),
            Metric = Data.Metric,
            EvaluationBatch = Data.EvaluationBatch,
        };
        return new Trainer(Network, Optimizer, schedule, Data.Training(train), Data.Evaluation(options.EvaluationBatch), options);
    }

    private RunSummary Summarise(TrainingResult result)
    {
        LaunchTotals Of(Phase phase) => result.Costs[phase];
        var overhead = Freezing.Policy.Overhead;
        return new RunSummary
        {
            Model = Network.Name,
            Data = (string)Config.Data["name"]!,
            Policy = Freezing.Policy.Name,
            Seed = Config.Train.Seed,
            Precision = Config.Device.Precision,
            Device = new DeviceSummary(_device.Kind, _device.Name, _device.Threads),
            Epochs = result.Epochs,
            Steps = result.Steps,
            TestAccuracy = result.Last?.Accuracy,
            BestTestAccuracy = result.Best?.Accuracy,
            Mcc = Data.Metric == TaskMetric.Mcc ? result.Last?.Mcc : null,
            F1 = Data.Metric == TaskMetric.F1 ? result.Last?.F1 : null,
            TrainLoss = double.IsNaN(result.TrainLoss) ? null : result.TrainLoss,
            WallSeconds = result.WallSeconds,
            TrainSeconds = result.TrainSeconds,
            Sampled = result.Costs.Sampled,
            Seconds = new PhaseSeconds(
                Of(Phase.Forward).Seconds, Of(Phase.BackwardInput).Seconds, Of(Phase.BackwardWeight).Seconds, Of(Phase.Update).Seconds, Freezing.Seconds, Of(Phase.Data).Seconds),
            Flops = PhaseFlops.Of(Of, Freezing.UnfrozenFlops),
            Launches = PhaseLaunches.Of(Of),
            Memory = MemorySummary.Of(result.PeakBytes, result.FirstStep, result.LastStep),
            Frozen = [.. Freezing.Events.Where(e => e.Frozen).Select(e => new FrozenSummary(e.Unit, e.Step, e.Epoch, e.Reason))],
            Predictor = overhead is null
                ? null
                : new PredictorSummary(overhead.Bytes, overhead.Parameters, Freezing.Seconds, result.TrainSeconds > 0 ? Freezing.Seconds / result.TrainSeconds : 0),
        };
    }
}
