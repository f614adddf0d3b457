using System.Diagnostics;
using SmartFrz.Kernels;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

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
    private readonly BatchLoader _train;
    private readonly BatchLoader? _test;
    private readonly List<ITrainingCallback> _callbacks = [];
    private readonly ScoreBoard _board;
    private readonly Tensor _input, _targets;
    private readonly StepTimer _timer = new();
    private EvaluationResult? _best;
    private double _trainSeconds, _wallSeconds;

    /// <summary>A trainer of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="schedule">The learning rate over the run.</param>
    /// <param name="train">The training data.</param>
    /// <param name="test">The test data, or null.</param>
    /// <param name="options">Epochs and the like.</param>
    /// <exception cref="ShapeException">The data's channels do not fit the network.</exception>
    public Trainer(Network network, Optimizer optimizer, ISchedule schedule, BatchLoader train, BatchLoader? test, TrainerOptions options)
    {
        _options = options;
        _schedule = schedule;
        _train = train;
        _test = test;
        var engine = network.Engine;
        int batch = train.Options.BatchSize;
        _input = engine.NewPersistent(Evaluator.Batched(network.InputShape, train.Data, batch), DType.F32, BufferKind.Workspace);
        _targets = engine.NewPersistent(new Shape(batch), DType.I32, BufferKind.Workspace);
        _board = new ScoreBoard(engine);
        Context = new TrainingContext(network, optimizer, train.BatchesPerEpoch, options.Epochs);
    }

    /// <summary>The run as callbacks see it.</summary>
    public TrainingContext Context { get; }

    /// <summary>The callbacks, in the order they are called.</summary>
    public IReadOnlyList<ITrainingCallback> Callbacks => _callbacks;

    /// <summary>Adds a callback.</summary>
    public void Add(ITrainingCallback callback) => _callbacks.Add(callback);

    /// <summary>Trains to the end, or until stopped: then what was done stays, and a checkpoint can be written.</summary>
    /// <exception cref="TrainingException">The loss is no longer a number.</exception>
    public TrainingResult Run(CancellationToken stop = default)
    {
        var context = Context;
        var model = context.Model;
        double wallBefore = _wallSeconds;
        long start = Stopwatch.GetTimestamp();
        model.SetTraining(true);
        Raise(static (callback, c) => callback.RunStarting(c));
        while (context.Step < context.TotalSteps && !stop.IsCancellationRequested)
        {
            int epoch = (int)(context.Step / context.StepsPerEpoch);
            int first = (int)(context.Step % context.StepsPerEpoch);
            if (first == 0)
            {
                _board.Clear();
                Raise(static (callback, c) => callback.EpochStarting(c));
            }

            foreach (var batch in _train.Epoch(epoch, first))
            {
                Step(batch);
                if (stop.IsCancellationRequested)
                {
                    break;
                }
            }

            _wallSeconds = wallBefore + Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (context.Step % context.StepsPerEpoch == 0 && !(stop.IsCancellationRequested && context.Step < (long)(epoch + 1) * context.StepsPerEpoch))
            {
                EndEpoch();
            }
        }

        _wallSeconds = wallBefore + Stopwatch.GetElapsedTime(start).TotalSeconds;
        Raise(static (callback, c) => callback.RunEnded(c));
        return new TrainingResult(
            context.Step < context.TotalSteps, context.Step, context.TrainLoss, context.LastEvaluation, _best, _trainSeconds, _wallSeconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _targets.Dispose();
        _board.Dispose();
    }

    private void Step(HostBatch batch)
    {
        var context = Context;
        var engine = context.Engine;
        var device = engine.Context;
        context.LearningRate = _schedule.LearningRate(context.Step, context.TotalSteps);
        Raise(static (callback, c) => callback.StepStarting(c));
        long start = Stopwatch.GetTimestamp();
        device.Phase = Phase.Data;
        _input.CopyFrom(batch.Inputs);
        device.Upload(batch.Labels, _targets.Buffer);
        using (engine.BeginStep())
        {
            device.Phase = Phase.Forward;
            var logits = context.Model.Call(_input);
            var loss = logits.CrossEntropy(_targets, _options.LabelSmoothing);
            device.Phase = Phase.Data;
            _board.Add(logits, _targets, loss);
            device.Phase = Phase.BackwardInput;
            engine.Backward(loss);
        }

        Raise(static (callback, c) => callback.GradientsReady(c));
        float scale = _options.ClipNorm > 0 ? GradientNorm.ClipScale(context.Model, _options.ClipNorm) : 1f;
        context.Optimizer.Step(context.LearningRate, scale);
        context.Optimizer.ClearGradients();
        context.Step++;
        Raise(static (callback, c) => callback.StepEnded(c));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _trainSeconds += seconds;
        _timer.Add(seconds);
        context.SecondsLeft = _timer.Left(context.TotalSteps - context.Step);
        context.TrainSeconds = _trainSeconds;
        device.Phase = Phase.Forward;
        if (context.Step % _options.LogInterval == 0)
        {
            ReadLoss();
            Raise(static (callback, c) => callback.Logged(c));
        }
    }

    private void EndEpoch()
    {
        var context = Context;
        ReadLoss();
        context.Epoch = (int)(context.Step / context.StepsPerEpoch);
        bool last = context.Step == context.TotalSteps;
        if (_test is not null && (last || _options.EvaluateEachEpoch))
        {
            var result = Evaluator.Evaluate(context.Model, _test);
            context.LastEvaluation = result;
            _best = _best is null || result.Accuracy > _best.Accuracy ? result : _best;
        }

        Raise(static (callback, c) => callback.EpochEnded(c));
    }

    private void ReadLoss()
    {
        _board.Read();
        Context.TrainLoss = _board.MeanLoss;
        Context.TrainAccuracy = _board.Accuracy;
        if (!double.IsFinite(_board.MeanLoss))
        {
            throw new TrainingException(
                $"the training loss is {_board.MeanLoss} by step {Context.Step}: lower the learning rate (it is {Context.LearningRate}) or clip the gradients");
        }
    }

    private void Raise(Action<ITrainingCallback, TrainingContext> what)
    {
        foreach (var callback in _callbacks)
        {
            what(callback, Context);
        }
    }
}

/// <summary>Estimates the time left from recent steps, so that it follows when layers freeze.</summary>
internal sealed class StepTimer
{
    // A step's weight halves after about 14 later ones: quick enough to follow a freeze, slow enough not to flicker.
    private const double Share = 0.05;

    private double _recent = double.NaN;

    public void Add(double seconds) => _recent = double.IsNaN(_recent) ? seconds : _recent + (Share * (seconds - _recent));

    public double Left(long steps) => _recent * steps;
}
