using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>The ring of weight snapshots: recording, wrapping around, reading back.</summary>
internal sealed class WeightSnapshotCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (int samples in new[] { 1, 7, 37 })
        {
            yield return new KernelCase
            {
                Name = $"weight history of {samples} samples",
                Run = bench => Record(bench, samples),

                Reference = () => Reference(samples),

                // One unit in the last place of a number in half precision.
                Tolerance = 1e-3,
            };
        }
    }

    private const int Window = 3;

    // Four snapshots into a window of three; the weights move between them by what is added.
    private static float[] Record(KernelBench bench, int samples)
    {
        int count = (2 * samples) + 1;
        var weights = bench.Uniform(count, 1);
        var movement = bench.Uniform(count, 2);
        var indices = bench.Upload([.. Enumerable.Range(0, samples).Select(i => (2 * i) + 1)]);
        var last = bench.Uniform(samples, 3);
        var history = bench.Rent(Window * samples * 2);
        var window = bench.Output(Window * samples);
        for (int t = 0; t < Window + 1; t++)
        {
            bench.Launch(new WeightSnapshotKernel(weights, indices, last, history, t % Window, samples));
            bench.Launch(new UnaryKernel<ScaleOp>(new ScaleOp(0.01f), movement, weights, count, accumulate: true));
        }

        bench.Launch(new WeightWindowKernel(history, window, 1, Window, samples, 0.02f));
        return [.. bench.Read<float>(window, Window * samples), .. bench.Read<float>(last, samples)];
    }
    private static double[] Reference(int samples)
    {
        int count = (2 * samples) + 1;
        var (weights, movement, last) = (KernelBench.Doubles(count, 1), KernelBench.Doubles(count, 2), KernelBench.Doubles(samples, 3));
        var snapshots = new List<double[]>();
        for (int t = 0; t < Window + 1; t++)
        {
            double[] sample = [.. Enumerable.Range(0, samples).Select(i => weights[(2 * i) + 1])];
            double rms = Math.Sqrt(sample.Average(v => v * v));
            snapshots.Add([.. sample.Zip(last, (now, before) => (double)(Half)((now - before) / rms))]);
            last = sample;
            weights = [.. weights.Zip(movement, (w, m) => w + (0.01 * m))];
        }

        // The first snapshot has left the window.
        var moved = new double[samples];
        var read = new List<double>();
        foreach (double[] snapshot in snapshots.Skip(1))
        {
            moved = [.. moved.Zip(snapshot, (sum, m) => sum + m)];
            read.AddRange(moved.Select(m => Math.Asinh(Math.Abs(m) / 0.02)));
        }

        return [.. read, .. last];
    }
}
