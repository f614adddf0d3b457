using System.Diagnostics;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>One step of a run: forward and backward pass of a batch, or of several whose gradients are averaged, and the update.</summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainingContext _context;
    private readonly TrainerOptions _options;
    private readonly CostAccount _costs;
    private readonly ScoreBoard _board;
    private readonly BatchStage _stage;
    private readonly GradientNorm? _norm;

    /// <exception cref="ShapeException">The network cannot take what the data bring.</exception>
    public TrainingStep(TrainingContext context, TrainerOptions options, IBatchSource data, CostAccount costs, ScoreBoard board)
    {
        (_context, _options, _costs, _board) = (context, options, costs, board);
        _stage = new BatchStage(context.Model, data);
        _norm = options.ClipNorm > 0 ? new GradientNorm(context.Model) : null;
    }

    // Launches that run behind our back would have to be waited for.
    private bool GuardEachStep => _options.NanGuard && !_context.Engine.Context.Device.RunsAhead;

    /// <summary>Makes the gradients of a step.</summary>
    /// <exception cref="TrainingException">The loss is not finite, or the batches have come to an end.</exception>
    public void MakeGradients(IEnumerator<IBatch> batches)
    {
        _context.StepElements = 0;
        for (int part = 0; part < _options.Accumulate; part++)
        {
            long start = Stopwatch.GetTimestamp();
            if (!batches.MoveNext())
            {
                throw new TrainingException($"epoch {_context.Epoch + 1} ended at step {_context.Step} of {(_context.Epoch + 1L) * _context.StepsPerEpoch}");
            }

            var batch = _stage.Load(batches.Current);
            _context.StepElements += batch.Inputs[0].Shape.Count;
            _costs.AddStep(Stopwatch.GetElapsedTime(start).TotalSeconds);
            // A resumed run draws the same random numbers; the batches of a step draw others.
            _context.Engine.StepNumber = (_context.Step * _options.Accumulate) + part;
            AddGradients(batch);
        }
    }

    /// <summary>Updates the parameters: clipped on the device; where reading costs no waiting the norm is looked at too.</summary>
    /// <exception cref="TrainingException">The gradients are not finite.</exception>
    public void Update()
    {
        if (_norm is null)
        {
            _context.Optimizer.Step(_context.LearningRate);
        }
        else
        {
            if (!GuardEachStep)
            {
                _norm.Compute();
            }
            else if (_norm.Measure() is var norm && !float.IsFinite(norm))
            {
                throw Diverged($"step {_context.Step + 1}: the norm of the gradients is {norm}; nearest to the loss it is {NonFinite.LastGradient(_context.Model) ?? "their sum"}");
            }

            _context.Optimizer.Step(_context.LearningRate, _norm, _options.ClipNorm);
        }

        _context.Optimizer.ClearGradients();
    }

    /// <summary>The exception of a run that has diverged.</summary>
    public TrainingException Diverged(string what) => new(FormattableString.Invariant(
        $"{what}. Training has diverged or its data is damaged: lower the learning rate (it is {_context.LearningRate}) or clip the gradients (option train.clip_norm)"));

    public void Dispose()
    {
        _stage.Dispose();
        _norm?.Dispose();
    }

    private void AddGradients(StagedBatch batch)
    {
        var engine = _context.Engine;
        using (engine.BeginStep())
        {
            var logits = _context.Model.Call(batch.Inputs);
            var loss = logits.CrossEntropy(batch.Targets, _options.LabelSmoothing);
            _board.Add(logits, batch.Targets, loss);
            if (GuardEachStep && loss.Item() is var value && !float.IsFinite(value))
            {
                throw Diverged($"step {_context.Step + 1}: the loss is {value}; {NonFinite.Explain(_context.Model, batch)}");
            }

            engine.Backward(_options.Accumulate == 1 ? loss : loss.Scale(1f / _options.Accumulate));
        }
    }
}
