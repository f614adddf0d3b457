using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>Training steps on one given batch, which lies on the device from the start.</summary>
internal sealed class BatchTraining : IDisposable
{
    private readonly TrainingContext _training;
    private readonly ISchedule _schedule;
    private readonly IDisposable _places;
    private readonly IReadOnlyList<Tensor> _inputs;
    private readonly Tensor _targets;
    private readonly float _labelSmoothing, _clipNorm;
    private readonly GradientNorm? _norm;

    /// <summary>Prepares the steps.</summary>
    /// <param name="network">The network, which stays the caller's.</param>
    /// <param name="optimizer">Makes the optimizer.</param>
    /// <param name="schedule">The learning rate over the steps.</param>
    /// <param name="train">Smoothing and clipping.</param>
    /// <param name="batch">The batch, with labels.</param>
    /// <param name="steps">How many steps the schedule is for.</param>
    /// <exception cref="OptionException">An option needs several batches.</exception>
    public BatchTraining(Network network, OptimizerChoice optimizer, ISchedule schedule, TrainConfig train, TensorBatch batch, int steps)
    {
        if (train.Accumulate != 1)
        {
            throw new OptionException($"option 'train.accumulate' is {train.Accumulate}, steps on one batch take 1");
        }

        var engine = network.Engine;
        _training = new TrainingContext(network, optimizer.Create(network), stepsPerEpoch: steps, epochs: 1);
        Freezer = new Freezer(_training, FreezeMode.Free, keepOptimizerState: false);
        (_schedule, _labelSmoothing, _clipNorm) = (schedule, train.LabelSmoothing, train.ClipNorm);
        (_places, _inputs) = batch.ToDevice(network);
        _targets = engine.NewPersistent(new Shape(batch.Count), DType.I64, BufferKind.Input);
        engine.Context.Upload<long>(batch.Target, _targets.Buffer);
        _norm = train.ClipNorm > 0 ? new GradientNorm(network) : null;
        network.SetTraining(true);
    }

    /// <summary>Freezes by name.</summary>
    public Freezer Freezer { get; }

    /// <summary>Steps finished.</summary>
    public long Steps => _training.Step;

    /// <summary>Runs one step. It does not wait for the device.</summary>
    /// <param name="afterForward">Sees logits and loss.</param>
    /// <param name="beforeUpdate">Is called when the gradients are there, before they are clipped.</param>
    public void Step(Action<Tensor, Tensor>? afterForward = null, Action? beforeUpdate = null)
    {
        var engine = _training.Engine;
        engine.Context.Memory.StartWindow();
        // Numbers of dropout are keyed by the step, as in a training run.
        engine.StepNumber = _training.Step;
        using (engine.BeginStep())
        {
            var logits = _training.Model.Call(_inputs);
            var loss = logits.CrossEntropy(_targets, _labelSmoothing);
            afterForward?.Invoke(logits, loss);
            engine.Backward(loss);
        }

        beforeUpdate?.Invoke();
        Update();
        _training.Step++;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _norm?.Dispose();
        _places.Dispose();
        _targets.Dispose();
        _training.Optimizer.Dispose();
    }

    private void Update()
    {
        float learningRate = _schedule.LearningRate(_training.Step, _training.TotalSteps);
        if (_norm is null)
        {
            _training.Optimizer.Step(learningRate);
        }
        else
        {
            _norm.Compute();
            _training.Optimizer.Step(learningRate, _norm, _clipNorm);
        }

        _training.Optimizer.ClearGradients();
    }
}
