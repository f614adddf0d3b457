using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of two representations of the same samples.</summary>
internal sealed record CkaSettings
{
    public int Samples { get; init; } = 4;

    public int Features { get; init; } = 1;
}

/// <summary>Linear CKA of two representations with the unbiased estimator, from the features to the number.</summary>
internal sealed class CkaKind : WorkKind<CkaSettings>
{
    public override string Name => "cka";

    protected override Work Create(CpuDevice device, CkaSettings s) => new Cka(device, s);

    private sealed class Cka : Work
    {
        private readonly Engine _engine;

        public Cka(CpuDevice device, CkaSettings s)
        {
            _engine = new Engine(device);
            var (x, y) = (Features(1), Features(2));
            Parts = [new WorkPart("linear", () =>
            {
                using var step = _engine.BeginStep();
                Similarity.Hsic(Similarity.LinearGram(x, centered: false), Similarity.LinearGram(y, centered: false));
            })];

            Tensor Features(int seed)
            {
                var random = new Random(seed);
                return _engine.FromHost<float>([.. Enumerable.Range(0, s.Samples * s.Features).Select(_ => (2 * random.NextSingle()) - 1)], new Shape(s.Samples, s.Features));
            }
        }

        public override IReadOnlyList<WorkPart> Parts { get; }

        public override void Dispose() => _engine.Dispose();
    }
}
