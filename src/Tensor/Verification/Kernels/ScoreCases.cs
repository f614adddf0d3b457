using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Running totals of loss and right answers over two batches.</summary>
internal sealed class ScoreCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (var (rows, classes) in new[] { (1, 1), (5, 3), (23, 7) })
        {
            yield return new KernelCase
            {
                Name = $"score {rows} rows of {classes} classes",
                Run = bench =>
                {
                    var (loss, totals) = (bench.Upload(0.75f), bench.Upload(0f, 0f, 0f));
                    var targets = bench.Upload([.. Enumerable.Range(0, rows).Select(n => n * 5 % classes)]);
                    bench.Launch(new ScoreKernel(bench.Uniform(rows * classes, 1), targets, loss, totals, rows, classes));
                    bench.Launch(new ScoreKernel(bench.Uniform(rows * classes, 2), targets, loss, totals, rows, classes));
                    return bench.Read<float>(totals, 3);
                },
                Reference = () => [2 * 0.75 * rows, Right(rows, classes, 1) + Right(rows, classes, 2), 2 * rows],
            };
            yield return new KernelCase
            {
                Name = $"correct {rows} rows of {classes} classes",
                Run = bench =>
                {
                    var count = bench.Upload(0f);
                    var logits = bench.Uniform(rows * classes, 1);
                    var targets = Enumerable.Range(0, rows).Select(n => n * 5 % classes);
                    bench.Launch(new CorrectKernel(logits, bench.Upload([.. targets]), DType.I32, count, rows, classes));
                    float[] narrow = bench.Read<float>(count, 1);
                    bench.Launch(new CorrectKernel(logits, bench.Upload([.. targets.Select(t => (long)t)]), DType.I64, count, rows, classes));
                    return [.. narrow, .. bench.Read<float>(count, 1)];
                },
                Reference = () => [Right(rows, classes, 1), Right(rows, classes, 1)],
            };
        }
    }

    private static double Right(int rows, int classes, ulong stream) =>
        KernelBench.Doubles(rows * classes, stream).Chunk(classes).Where((row, n) => row.IndexOf(row.Max()) == n * 5 % classes).Count();
}
