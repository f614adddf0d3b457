using System.Diagnostics;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>
/// Trains a network: the loop described in <see cref="ITrainingCallback"/>.
/// </summary>
/// <remarks>
/// A step does not wait for the device: losses add up there and are read at logging intervals and at epoch ends. Evaluation and
/// checkpoints are outside the training time.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private readonly TrainerOptions _options;
    private readonly ISchedule _schedule;
    private readonly IBatchSource _train;
    private readonly IBatchSource? _test;
    private readonly List<ITrainingCallback> _callbacks = [];
    private readonly RunProgress _progress = new();
    private readonly CostAccount _costs;
    private readonly ScoreBoard _board;
    private readonly TrainingStep _step;
    private readonly Pace _pace = new();
    private readonly CheckpointedRun _state;
    private readonly CheckpointStore? _store;
    private double _secondsAtReport;
    private long _stepAtReport, _rowsAtStart, _started;

    /// <summary>A trainer of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="schedule">The learning rate over the run.</param>
    /// <param name="train">The training data.</param>
    /// <param name="test">The test data, or null.</param>
    /// <param name="options">Epochs and the like.</param>
    /// <exception cref="SmartFrz.Tensors.ShapeException">The network cannot take what the data bring.</exception>
    /// <exception cref="OptionException">An option has no sense, or the data makes no full batch.</exception>
    public Trainer(Network network, Optimizer optimizer, ISchedule schedule, IBatchSource train, IBatchSource? test, TrainerOptions options)
    {
        options.Check();
        if (train.BatchesPerEpoch < options.Accumulate)
        {
            string several = options.Accumulate == 1 ? "" : $", and a step takes {options.Accumulate} of them (option train.accumulate)";
            throw new OptionException(train.BatchesPerEpoch == 0
                ? $"the training data has {train.ExampleCount} examples, which make no batch of {train.BatchSize}"
                : $"the training data has {train.ExampleCount} examples, which make {train.BatchesPerEpoch} batches of {train.BatchSize}{several}");
        }

        (_options, _schedule, _train, _test) = (options, schedule, train, test);
        Context = new TrainingContext(network, optimizer, train.BatchesPerEpoch / options.Accumulate, options.Epochs, _progress.History)
        {
            BatchesPerStep = options.Accumulate,
        };
        _costs = new CostAccount(network.Engine.Context);
        _board = new ScoreBoard(network.Engine);
        _step = new TrainingStep(Context, options, train, _costs, _board);
        _state = new CheckpointedRun(Context, _progress, _costs, _board, _callbacks, train.Seed);
        _store = options.CheckpointDirectory is { } directory ? new CheckpointStore(directory, options.KeepCheckpoints, options.KeepBest) : null;
    }

    /// <summary>The run as callbacks see it.</summary>
    public TrainingContext Context { get; }

    /// <summary>The callbacks, in the order they are called.</summary>
    public IReadOnlyList<ITrainingCallback> Callbacks => _callbacks;

    private int StepInEpoch => (int)(Context.Step - ((long)Context.Epoch * Context.StepsPerEpoch));

    private bool AtEpochEnd => StepInEpoch == Context.StepsPerEpoch;

    private bool AtLimit => _options.LimitSteps > 0 && Context.Step >= _options.LimitSteps;

    // Evaluations since the first best one. A resumed run has its history, and stops where the other would.
    private bool HasPatienceRunOut
    {
        get
        {
            var evaluations = _progress.History.Select(e => e.Test).OfType<EvaluationResult>().ToList();
            return _options.Patience > 0 && evaluations.Count - 1 - evaluations.FindIndex(e => e.By(_options.Metric) == evaluations.Max(o => o.By(_options.Metric))) >= _options.Patience;
        }
    }

    private double WallSeconds => _progress.WallSeconds + Stopwatch.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Adds a callback.</summary>
    /// <exception cref="ArgumentException">It keeps state in checkpoints under the key of another one.</exception>
    public void Add(ITrainingCallback callback)
    {
        if (callback is ICheckpointed { CheckpointKey: var key } && _callbacks.Exists(c => c is ICheckpointed other && other.CheckpointKey == key))
        {
            throw new ArgumentException($"two callbacks keep their state under the key '{key}'");
        }

        _callbacks.Add(callback);
    }

    /// <summary>Brings the run to the state of a checkpoint: what follows is bit by bit what would have followed there.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It cannot be read or belongs to another run; nothing has been changed then.</exception>
    public void Resume(string path) => Resume(Checkpoint.Read(path));

    /// <summary>As <see cref="Resume(string)"/> from a checkpoint that was read already.</summary>
    public void Resume(Checkpoint checkpoint)
    {
        _state.Load(checkpoint);
        _store?.ResumedFrom(checkpoint.Path, checkpoint.Step);
    }

    /// <summary>Trains to the end, or until stopped: then the step under way is finished and a checkpoint written.</summary>
    /// <exception cref="CheckpointException">Checkpoints cannot be written; nothing has been done then.</exception>
    /// <exception cref="TrainingException">A loss or weight is no longer a finite number, or a checkpoint cannot be written any more.</exception>
    public TrainingResult Run(CancellationToken stop = default)
    {
        _started = Stopwatch.GetTimestamp();
        _store?.Prepare(_state.EstimateBytes());
        (_stepAtReport, _secondsAtReport, _rowsAtStart) = (Context.Step, _costs.Seconds, (long)_board.Peek()[^1]);
        Context.Model.SetTraining(true);
        Counted(static (callback, context) => callback.RunStarting(context));
        bool finished = RunEpochs(stop);
        if (StepInEpoch > 0 || !finished)
        {
            Save(best: false);
        }

        if (finished && AtLimit && StepInEpoch > 0)
        {
            finished = Evaluate(stop);
        }

        Counted(static (callback, context) => callback.RunEnded(context));
        _progress.PeakBytes = Math.Max(_progress.PeakBytes, Context.Engine.Context.Memory.Peak);
        return new TrainingResult
        {
            Interrupted = !finished,
            Steps = Context.Step,
            Epochs = Context.Epoch,
            TrainLoss = Context.TrainLoss,
            Last = Context.LastEvaluation,
            Best = _progress.Best,
            History = [.. _progress.History],
            TrainSeconds = _costs.Seconds,
            WallSeconds = WallSeconds,
            Costs = _costs.Costs(),
            FirstStep = _progress.FirstStep,
            LastStep = _progress.LastStep,
            PeakBytes = _progress.PeakBytes,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _board.Dispose();
    }

    // Whether nothing is left to do.
    private bool RunEpochs(CancellationToken stop)
    {
        while (Context.Epoch < Context.Epochs && (!AtLimit || AtEpochEnd) && !HasPatienceRunOut)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            if (StepInEpoch == 0)
            {
                _progress.Epoch = default;
                Counted(static (callback, context) => callback.EpochStarting(context));
            }

            RunSteps(stop);
            if (AtEpochEnd ? !EndEpoch(stop) : !AtLimit)
            {
                return false;
            }
        }

        return true;
    }

    // The rest of the epoch, at least one step of it: an epoch that was announced has begun.
    private void RunSteps(CancellationToken stop)
    {
        if (AtEpochEnd)
        {
            return;
        }

        using var batches = _train.Batches(Context.Epoch, StepInEpoch * _options.Accumulate).GetEnumerator();
        do
        {
            _costs.Open(_costs.IsTimed(Context.Step));
            Step(batches);
            bool report = StepInEpoch % _options.LogInterval == 0 || AtEpochEnd || AtLimit;
            var score = report ? _board.Take() : default;
            _costs.Close();
            if (report)
            {
                Report(score);
            }

            if (_options.CheckpointInterval > 0 && Context.Step % _options.CheckpointInterval == 0 && !AtEpochEnd)
            {
                Save(best: false);
            }
        }
        while (!AtEpochEnd && !AtLimit && !stop.IsCancellationRequested);
    }

    private void Step(IEnumerator<IBatch> batches)
    {
        Context.Engine.Context.Memory.StartWindow();
        Context.LearningRate = _schedule.LearningRate(Context.Step, Context.TotalSteps);
        Raise(static (callback, context) => callback.StepStarting(context));
        _step.MakeGradients(batches);
        Raise(static (callback, context) => callback.GradientsReady(context));
        _step.Update();
        Context.Step++;
        // Before the callbacks: a policy's own work is no part of the step's memory.
        RememberMemory();
        Raise(static (callback, context) => callback.StepEnded(context));
    }

    private void RememberMemory()
    {
        var memory = Context.Engine.Context.Memory;
        _progress.LastStep = new StepMemory(
            memory.WindowPeakOf(BufferKind.Gradient), memory.WindowPeakOf(BufferKind.OptimizerState), memory.WindowPeakOf(BufferKind.SavedActivation));
        if (Context.Step == 1)
        {
            _progress.FirstStep = _progress.LastStep;
        }
    }

    private void Report(Score score)
    {
        if (_options.NanGuard && score.Rows == 0)
        {
            throw new TrainingException($"steps {_stepAtReport + 1} to {Context.Step} counted no example: {Context.Engine.Context.Device.Name} does not run its kernels");
        }

        _progress.Epoch += score;
        Context.TrainLoss = _progress.Epoch.MeanLoss;
        Context.TrainAccuracy = _progress.Epoch.Accuracy;
        Context.TrainSeconds = _costs.Seconds;
        if (_options.NanGuard && !double.IsFinite(score.LossSum))
        {
            throw _step.Diverged($"the loss of steps {_stepAtReport + 1} to {Context.Step} is {score.MeanLoss}");
        }

        double seconds = _costs.Seconds - _secondsAtReport;
        _pace.Add(Context.Step - _stepAtReport, seconds);
        (_stepAtReport, _secondsAtReport) = (Context.Step, _costs.Seconds);
        Context.SecondsLeft = _pace.Left(StepsLeft(), EvaluationsLeft());
        Context.LastReport = new StepReport(
            Context.Step,
            Context.EpochFraction,
            score.MeanLoss,
            score.Accuracy,
            Context.LearningRate,
            (score.Rows - _rowsAtStart) / seconds,
            Context.FrozenUnits,
            Context.Model.Units.Count,
            Context.SecondsLeft);
        _rowsAtStart = 0;
        Raise(static (callback, context) => callback.Logged(context));
    }

    // Whether it came to its end.
    private bool EndEpoch(CancellationToken stop)
    {
        var best = _progress.Best;
        bool evaluate = _options.EvaluateEachEpoch || Context.Epoch + 1 == Context.Epochs || AtLimit;
        if (evaluate && !Evaluate(stop))
        {
            return false;
        }

        Context.Epoch++;
        _progress.History.Add(new EpochRecord(
            Context.Epoch,
            Context.Step,
            Context.TrainLoss,
            Context.TrainAccuracy,
            Context.LearningRate,
            Context.FrozenUnits,
            Context.TrainSeconds,
            evaluate && _test is not null ? Context.LastEvaluation : null));
        Counted(static (callback, context) => callback.EpochEnded(context));
        Save(best: !ReferenceEquals(best, _progress.Best));
        return true;
    }

    private void Save(bool best)
    {
        if (_store is null)
        {
            return;
        }

        var file = _state.Save(_options.Config, _options.NanGuard, WallSeconds);
        _store.SaveLast(file, Context.Step);
        if (best)
        {
            _store.SaveBest(file, Context.Step);
        }
    }

    // Whether it came to its end.
    private bool Evaluate(CancellationToken stop)
    {
        if (_test is null)
        {
            return true;
        }

        long start = Stopwatch.GetTimestamp();
        try
        {
            var result = Evaluator.Evaluate(Context.Model, _test, stop);
            Context.LastEvaluation = result;
            _progress.Best = _progress.Best is { } best && best.By(_options.Metric) >= result.By(_options.Metric) ? best : result;
            _pace.EvaluationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private long StepsLeft() => (_options.LimitSteps > 0 ? Math.Min(_options.LimitSteps, Context.TotalSteps) : Context.TotalSteps) - Context.Step;

    private long EvaluationsLeft()
    {
        if (_test is null)
        {
            return 0;
        }

        long steps = Context.StepsPerEpoch;
        return _options.EvaluateEachEpoch ? ((Context.Step + StepsLeft() + steps - 1) / steps) - Context.Epoch : 1;
    }

    // Callbacks outside a step are training's cost too: policies decide there.
    private void Counted(Action<ITrainingCallback, TrainingContext> what)
    {
        _costs.Open(timed: !_costs.Sampled);
        Raise(what);
        _costs.Close();
    }

    private void Raise(Action<ITrainingCallback, TrainingContext> what)
    {
        foreach (var callback in _callbacks)
        {
            what(callback, Context);
        }
    }
}
