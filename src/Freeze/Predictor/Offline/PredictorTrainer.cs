using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>How a predictor is trained.</summary>
public sealed record PredictorTrainingOptions
{
    /// <summary>Passes over the examples.</summary>
    /// <value>Default 40.</value>
    public int Epochs { get; init; } = 40;

    /// <summary>Examples of a step.</summary>
    /// <value>Default 32.</value>
    public int Batch { get; init; } = 32;

    /// <summary>AdamW's learning rate at the start; it falls to 0 along a cosine.</summary>
    /// <value>Default 0.001.</value>
    public float Lr { get; init; } = 1e-3f;

    /// <summary>AdamW's weight decay.</summary>
    /// <value>
    /// Default 0.5: the examples come from a few dozen runs and resemble each other. Chosen on runs that were neither trained on nor
    /// held out for the predictor's report.
    /// </value>
    public float WeightDecay { get; init; } = 0.5f;

    /// <summary>The seed of initial weights and order.</summary>
    /// <value>Default 1.</value>
    public ulong Seed { get; init; } = 1;

    /// <summary>The largest global norm of the gradients.</summary>
    /// <value>Default 1.</value>
    public float ClipNorm { get; init; } = 1f;

    /// <summary>The predictor's sizes.</summary>
    public AttentionPredictorOptions Predictor { get; init; } = new();
}

/// <summary>Trains a predictor on labelled histories, with this library's own engine.</summary>
/// <remarks>
/// It learns from standardised inputs: movements are never negative, and a first layer that sees only positive numbers learns slowly.
/// At the end the standardisation becomes part of the first layer, so that the finished predictor reads histories as they are.
/// </remarks>
public sealed class PredictorTrainer(Engine engine, PredictorTrainingOptions options)
{
    // A stream of the generator for the order, away from those of the initial weights.
    private const ulong OrderStream = 0x70726564;

    /// <summary>Trains on the examples whose index is given.</summary>
    /// <param name="data">The examples.</param>
    /// <param name="indices">Which of them to learn from.</param>
    /// <param name="log">Sees each epoch's mean loss.</param>
    /// <param name="stop">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="OptionException">There is nothing to learn from, or an option has no sense.</exception>
    public AttentionPredictor Train(HistoryDataset data, IReadOnlyList<int> indices, Action<int, double>? log = null, CancellationToken stop = default)
    {
        if (indices.Count == 0 || options.Batch < 1 || options.Epochs < 1)
        {
            throw new OptionException($"predictor training: {indices.Count} examples, {options.Epochs} epochs in batches of {options.Batch}: each must be at least 1");
        }

        var predictor = new AttentionPredictor(ModuleScope.Root(engine, options.Seed), options.Predictor with { History = data.Options });
        using var optimizer = new AdamW(predictor, options.WeightDecay);
        using var norm = new GradientNorm(predictor);
        int batches = Math.Max(1, indices.Count / options.Batch);
        var schedule = new CosineSchedule(options.Lr);
        var standard = Standardization.Of(data, indices);
        var inputs = new float[options.Batch * data.Options.Window * data.Options.Samples];
        var labels = new int[options.Batch];
        for (int epoch = 0; epoch < options.Epochs; epoch++)
        {
            int[] order = Philox.Keyed(options.Seed, OrderStream + (ulong)epoch).Permutation(indices.Count);
            double sum = 0;
            for (int b = 0; b < batches; b++)
            {
                stop.ThrowIfCancellationRequested();
                for (int i = 0; i < options.Batch; i++)
                {
                    int example = indices[order[((b * options.Batch) + i) % order.Length]];
                    standard.Apply(data.Window(example), inputs.AsSpan(i * data.Options.Window * data.Options.Samples));
                    labels[i] = data.Records[example].Freeze ? 1 : 0;
                }

                sum += Step(predictor, optimizer, norm, inputs, labels, schedule.LearningRate((epoch * batches) + b, options.Epochs * batches), data.Options);
            }

            log?.Invoke(epoch, sum / batches);
        }

        standard.FoldInto(predictor.First);
        return predictor;
    }

    /// <summary>The predicted probability of each example.</summary>
    public static double[] Predict(AttentionPredictor predictor, HistoryDataset data, IReadOnlyList<int> indices)
    {
        var engine = predictor.Engine;
        int size = data.Options.Window * data.Options.Samples;
        var input = new float[size];
        var probabilities = new double[indices.Count];
        for (int i = 0; i < probabilities.Length; i++)
        {
            Widen(data.Window(indices[i]), input);
            using (engine.NoGrad())
            using (engine.BeginStep())
            {
                double logit = predictor.Call(engine.FromHost<float>(input, new Shape(1, data.Options.Window, data.Options.Samples))).Item();
                probabilities[i] = 1 / (1 + Math.Exp(-logit));
            }
        }

        return probabilities;
    }

    private double Step(AttentionPredictor predictor, AdamW optimizer, GradientNorm norm, float[] inputs, int[] labels, float learningRate, WeightHistoryOptions history)
    {
        double value;
        using (engine.BeginStep())
        {
            var x = engine.FromHost<float>(inputs, new Shape(labels.Length, history.Window, history.Samples));
            var logit = predictor.Call(x);
            // Two classes with logits (0, z): the cross-entropy is that of a sigmoid on z.
            var zero = engine.NewTensor(logit.Shape);
            engine.Launch(new FillKernel(zero.Buffer, 0f, zero.Shape.Count));
            var loss = Tensor.Concat(1, zero, logit).CrossEntropy(engine.FromHost<int>(labels, new Shape(labels.Length)));
            value = loss.Item();
            engine.Backward(loss);
        }

        norm.Compute();
        optimizer.Step(learningRate, norm, options.ClipNorm);
        optimizer.ClearGradients();
        return value;
    }

    private static void Widen(ReadOnlySpan<Half> from, Span<float> to)
    {
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = (float)from[i];
        }
    }
}
