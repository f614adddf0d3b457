using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>A batch of texts on the host.</summary>
internal sealed class TextBatch(int size) : IBatch
{
    private const int Parts = 3;

    private readonly int[] _labels = new int[size];
    private readonly int[][] _values = [[], [], []];
    private readonly HostInput[] _tensors = new HostInput[Parts];

    public int Count { get; private set; }

    public IReadOnlyList<HostInput> Tensors => _tensors;

    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, Count);

    /// <summary>Takes these texts, padded to the longest.</summary>
    public void Fill(TextDataset data, ReadOnlySpan<int> texts, int padMultiple)
    {
        Count = texts.Length;
        int length = 0;
        foreach (int text in texts)
        {
            length = Math.Max(length, data[text].Ids.Count);
        }

        length = (length + padMultiple - 1) / padMultiple * padMultiple;
        int elements = Count * length;
        for (int part = 0; part < Parts; part++)
        {
            if (_values[part].Length < elements)
            {
                _values[part] = new int[elements];
            }
        }

        for (int i = 0; i < Count; i++)
        {
            Put(data[texts[i]], i * length, length, data.Vocabulary.Padding);
            _labels[i] = data.Label(texts[i]);
        }

        var shape = new Shape(Count, length);
        _tensors[0] = new HostInput(InputSpec.Tokens, shape, _values[0].AsMemory(0, elements));
        _tensors[1] = new HostInput(InputSpec.TokenTypes, shape, _values[1].AsMemory(0, elements));
        _tensors[2] = new HostInput(InputSpec.AttentionMask, shape, _values[2].AsMemory(0, elements));
    }

    // Padding has type 0 and does not count.
    private void Put(TokenizedText text, int at, int length, int padding)
    {
        for (int i = 0; i < length; i++)
        {
            bool there = i < text.Ids.Count;
            _values[0][at + i] = there ? text.Ids[i] : padding;
            _values[1][at + i] = there && i >= text.FirstLength ? 1 : 0;
            _values[2][at + i] = there ? 1 : 0;
        }
    }
}
