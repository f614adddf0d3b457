using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// The recent movement of one layer's weights: a ring of snapshots of a fixed sample (layer tailoring), on the device, in half
/// precision, written in place.
/// </summary>
/// <remarks>
/// The sample is drawn once from (seed, parameter name). Layers with fewer weights than samples are tiled.
/// Source: SmartFRZ (arXiv 2401.16720), layer tailoring; normalisation and storage of movements are ours.
/// </remarks>
public sealed class WeightHistory : IDisposable
{
    private readonly WeightHistoryOptions _options;
    private readonly ulong _seed;
    private readonly Tensor _indices, _last, _ring;
    private int _next;

    /// <summary>An empty history of a parameter.</summary>
    /// <param name="engine">The engine that does the work and holds the memory: one that books as <see cref="Phase.Freeze"/>.</param>
    /// <param name="parameter">The parameter, of rank 2 or more.</param>
    /// <param name="options">Window and sample.</param>
    /// <param name="seed">The seed of the draw.</param>
    /// <exception cref="SmartFrz.Nn.Options.OptionException">An option has no sense.</exception>
    public WeightHistory(Engine engine, Parameter parameter, WeightHistoryOptions options, ulong seed)
    {
        options.Check();
        _options = options;
        _seed = seed;
        Engine = engine;
        Parameter = parameter;
        _indices = engine.NewPersistent(new Shape(options.Samples), DType.I32, BufferKind.Cache);
        _last = engine.NewPersistent(new Shape(options.Samples), DType.F32, BufferKind.Cache);
        // Two bytes a movement; the tensor types have no half float, so the ring is bytes.
        _ring = engine.NewPersistent(new Shape(options.Window, options.Samples * 2), DType.U8, BufferKind.Cache);
    }

    /// <summary>The engine that does the work.</summary>
    public Engine Engine { get; }

    /// <summary>The parameter.</summary>
    public Parameter Parameter { get; }

    /// <summary>Snapshots recorded since the start or the last <see cref="Clear"/>; the first of them only sets the reference point.</summary>
    public long Recorded { get; private set; }

    /// <summary>Whether the window is full.</summary>
    public bool IsFull => Recorded > _options.Window;

    /// <summary>Device bytes held.</summary>
    public long Bytes => _indices.Buffer.Bytes + _last.Buffer.Bytes + _ring.Buffer.Bytes;

    /// <summary>Records the parameter's present weights.</summary>
    public void Record()
    {
        if (Recorded == 0)
        {
            Draw();
        }
        else
        {
            if (_options.Redraw)
            {
                DrawIndices((ulong)Recorded);
            }

            Engine.Launch(new WeightSnapshotKernel(Parameter.Value.Buffer, _indices.Buffer, _last.Buffer, _ring.Buffer, _next, _options.Samples));
            _next = (_next + 1) % _options.Window;
        }

        Recorded++;
    }

    /// <summary>Writes the window into a predictor's input: of each snapshot the sample's movements since the window began, sorted.</summary>
    /// <remarks>Which weights the sample holds, and in which order, means nothing; how their movements are distributed does.</remarks>
    /// <param name="x">Shape (…, W, n) with W*n elements.</param>
    /// <exception cref="InvalidOperationException">The window is not full.</exception>
    public void ReadWindow(Tensor x)
    {
        if (!IsFull)
        {
            throw new InvalidOperationException($"the window of {Parameter.Name} holds {Math.Max(0, Recorded - 1)} of {_options.Window} snapshots");
        }

        Engine.Launch(new WeightWindowKernel(_ring.Buffer, x.Buffer, _next, _options.Window, _options.Samples, _options.Unit));
        Engine.Launch(new SortRowsKernel(x.Buffer, _options.Window, _options.Samples));
    }

    /// <summary>Forgets everything, as after a thaw.</summary>
    public void Clear()
    {
        Recorded = 0;
        _next = 0;
    }

    /// <summary>Writes its state for a checkpoint.</summary>
    public void Save(CheckpointEntries entries)
    {
        string key = Parameter.Name;
        entries.Json[$"{key}.recorded"] = Recorded;
        entries.Json[$"{key}.next"] = _next;
        if (Recorded > 0)
        {
            entries.Arrays[$"{key}.last"] = _last.ToArray();
            var indices = new int[_options.Samples];
            Engine.Context.Download<int>(_indices.Buffer, indices);
            // Positions in a layer fit a float exactly only up to 2^24; their bits always do.
            entries.Arrays[$"{key}.indices"] = Array.ConvertAll(indices, BitConverter.Int32BitsToSingle);
            var ring = new Half[_options.Window * _options.Samples];
            Engine.Context.Download<Half>(_ring.Buffer, ring);
            int filled = (int)Math.Min(Recorded - 1, _options.Window) * _options.Samples;
            entries.Arrays[$"{key}.ring"] = Array.ConvertAll(ring[..filled], h => (float)h);
        }
    }

    /// <summary>Restores what <see cref="Save"/> wrote.</summary>
    public void Load(CheckpointEntries entries)
    {
        string key = Parameter.Name;
        Recorded = (long)entries.Json[$"{key}.recorded"]!;
        _next = (int)entries.Json[$"{key}.next"]!;
        if (Recorded > 0)
        {
            _last.CopyFrom(entries.Arrays[$"{key}.last"]);
            int[] indices = Array.ConvertAll(entries.Arrays[$"{key}.indices"], BitConverter.SingleToInt32Bits);
            Engine.Context.Upload<int>(indices, _indices.Buffer);
            Half[] ring = Array.ConvertAll(entries.Arrays[$"{key}.ring"], v => (Half)v);
            Engine.Context.Upload<Half>(ring, _ring.Buffer);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _indices.Dispose();
        _last.Dispose();
        _ring.Dispose();
    }

    private void Draw()
    {
        int[] indices = DrawIndices(0);
        var weights = Parameter.Value.ToArray();
        _last.CopyFrom(Array.ConvertAll(indices, i => weights[i]));
    }

    private int[] DrawIndices(ulong draw)
    {
        int count = (int)Parameter.Shape.Count;
        var random = Philox.Keyed(_seed, Initializer.StableHash(Parameter.Name) + draw);
        int[] indices = new int[_options.Samples];
        var order = count <= 4 * _options.Samples ? random.Permutation(count) : null;
        for (int i = 0; i < indices.Length; i++)
        {
            // A small layer is permuted and tiled; in a large one a repeated draw is rare and does no harm.
            indices[i] = order is not null ? order[i % count] : random.Below((ulong)i, count);
        }

        Engine.Context.Upload<int>(indices, _indices.Buffer);
        return indices;
    }
}
