
using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Batch normalisation with the batch's statistics and with running ones, alone and with what is fused to it.</summary>
internal sealed class BatchNormCases : IOpCases
{
    private const float Eps = 1e-5f;

    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        // Planes of 1 to 15 elements go by columns on the CPU, larger ones by channel; 17 and 35 leave a rest in every vector width.
        Shape[] shapes = [new(5, 3), new(4, 19), new(3, 2, 2, 3), new(3, 17, 1, 1), new(2, 3, 5, 7), new(4, 2, 17), new(1, 2, 4, 8)];
        foreach (var shape in shapes)
        {
            foreach (bool training in new[] { true, false })
            {
                yield return Case(shape, training, Activation.None, residual: false);
                yield return Case(shape, training, Activation.Relu, residual: false);
                yield return Case(shape, training, Activation.Relu, residual: true);
            }
        }

        // By columns and by channel, small enough for the emulator and not.
        foreach (var shape in new Shape[] { new(3, 2, 2, 3), new(3, 17, 1, 1), new(2, 3, 5, 7), new(1, 2, 4, 8) })
        {
            foreach (bool training in new[] { true, false })
            {
                yield return Case(shape, training, Activation.Relu6, residual: false);
                yield return Case(shape, training, Activation.Relu6, residual: true);
            }
        }

        yield return Case(new Shape(2, 3, 5, 7), training: true, Activation.None, residual: true);
        yield return Case(new Shape(2, 3, 5, 7), training: false, Activation.None, residual: true);
    }

    private static OpCase Case(Shape shape, bool training, Activation activation, bool residual)
    {
        var channels = new Shape(shape[1]);
        return new OpCase
        {
            Name = $"batch_norm {(training ? "train" : "eval")}{(residual ? " + residual" : "")}{Name(activation)} {shape}",
            Inputs = residual ? [shape, channels, channels, shape] : [shape, channels, channels],
            Apply = (engine, x) =>
            {
                var mean = engine.FromHost<float>([.. Enumerable.Range(0, shape[1]).Select(RunningMean)], channels);
                var variance = engine.FromHost<float>([.. Enumerable.Range(0, shape[1]).Select(RunningVariance)], channels);
                var other = residual ? x[3] : null;
                return training
                    ? x[0].BatchNormTrain(x[1], x[2], mean, variance, 0.1f, Eps, activation, other)
                    : x[0].BatchNormEval(x[1], x[2], mean, variance, Eps, activation, other);
            },
            Reference = x => Reference(shape, x, training, activation),
            Emulate = shape.Count <= 64,

            // Factors large enough for ReLU6 to cut off above too.
            Sample = (i, u) => i == 1 && activation == Activation.Relu6 ? 8 * u : u,
        };
    }

    /// <summary>What the name of a case says of an activation.</summary>
    public static string Name(Activation activation) => activation switch
    {
        Activation.Relu => " + relu",
        Activation.Relu6 => " + relu6",
        _ => "",
    };

    /// <summary>An activation in double precision.</summary>
    public static double Activated(double v, Activation activation) => activation switch
    {
        Activation.Relu => Math.Max(v, 0),
        Activation.Relu6 => Math.Clamp(v, 0, 6),
        _ => v,
    };

    private static float RunningMean(int c) => (0.25f * c) - 0.5f;

    private static float RunningVariance(int c) => 0.5f + (0.125f * c);

    private static double[] Reference(Shape shape, double[][] x, bool training, Activation activation)
    {
        int channels = shape[1], plane = (int)(shape.Count / shape[0] / channels);
        var y = new double[x[0].Length];
        for (int c = 0; c < channels; c++)
        {
            int[] own = [.. Enumerable.Range(0, y.Length).Where(i => i / plane % channels == c)];
            double mean = training ? own.Average(i => x[0][i]) : RunningMean(c);
            double variance = training ? own.Average(i => (x[0][i] - mean) * (x[0][i] - mean)) : RunningVariance(c);
            foreach (int i in own)
            {
                double v = ((x[0][i] - mean) / Math.Sqrt(variance + Eps) * x[1][c]) + x[2][c] + (x.Length > 3 ? x[3][i] : 0);
                y[i] = Activated(v, activation);
            }
        }

        return y;
    }
}
