using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>Made-up batches of two texts, each of another length, in two classes.</summary>
internal sealed class TextBatches(params int[] tokens) : IBatchSource
{
    private static readonly int[] Usual = [5, 9, 16, 3, 12, 7];

    private readonly int[] _tokens = tokens.Length > 0 ? tokens : Usual;

    public IReadOnlyList<InputSpec> Inputs { get; } = [new(InputSpec.Tokens, DType.I32, new Shape(0))];

    public int ExampleCount => 2 * _tokens.Length;

    public int BatchSize => 2;

    public int BatchesPerEpoch => _tokens.Length;

    public bool DropsLast => true;

    public ulong Seed => 1;

    public IEnumerable<IBatch> Batches(int epoch, int firstBatch = 0) => _tokens.Skip(firstBatch).Select(t => new Batch(t));

    private sealed class Batch(int tokens) : IBatch
    {
        private static readonly int[] OfBoth = [0, 1];

        public int Count => 2;

        public IReadOnlyList<HostInput> Tensors { get; } =
            [new HostInput(InputSpec.Tokens, new Shape(2, tokens), Enumerable.Range(0, 2 * tokens).Select(i => 1 + (i * 7 % 30)).ToArray())];

        public ReadOnlySpan<int> Labels => OfBoth;
    }
}
