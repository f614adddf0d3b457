using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Nn.Data;

/// <summary>How batches are made.</summary>
public sealed record BatchLoaderOptions
{
    /// <summary>Images of a batch.</summary>
    /// <value>Default 64.</value>
    public int BatchSize { get; init; } = 64;

    /// <summary>Whether each epoch has an order of its own.</summary>
    /// <value>Default true.</value>
    public bool Shuffle { get; init; } = true;

    /// <summary>Whether a last batch that is not full is left out.</summary>
    /// <value>Default true.</value>
    public bool DropLast { get; init; } = true;

    /// <summary>The seed of order and augmentation.</summary>
    public ulong Seed { get; init; }

    /// <summary>Subtracted from each channel's pixels, which are 0..1.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [];

    /// <summary>Divides each channel's pixels.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [];

    /// <summary>Zeros padded on each side before a crop of the image's size at a random place; 0 for none.</summary>
    /// <value>Default 0.</value>
    public int CropPadding { get; init; }

    /// <summary>Whether images are mirrored left to right with probability one half.</summary>
    /// <value>Default false.</value>
    public bool Flip { get; init; }

    /// <summary>Batches prepared ahead on a background thread; 0 makes them when asked.</summary>
    /// <value>Default 2.</value>
    public int Prefetch { get; init; } = 2;
}

/// <summary>
/// Cuts a data set into batches: shuffled by (seed, epoch), augmented by (seed, epoch, image), normalised, and prepared ahead on a
/// background thread. The bits do not depend on prefetching.
/// </summary>
public sealed class BatchLoader(IImageDataset data, BatchLoaderOptions options)
{
    // Streams of the generator: order and augmentation must not draw the same numbers.
    private const ulong OrderStream = 0x6F72646572000000, AugmentStream = 0x6175676D656E7400;

    private readonly float[][] _tables = Tables(data.Channels, options);

    /// <summary>The images.</summary>
    public IImageDataset Data => data;

    /// <summary>How batches are made.</summary>
    public BatchLoaderOptions Options => options;

    /// <summary>Batches of an epoch.</summary>
    public int BatchesPerEpoch => options.DropLast ? data.Count / options.BatchSize : (data.Count + options.BatchSize - 1) / options.BatchSize;

    /// <summary>The batches of an epoch from number <paramref name="firstBatch"/> on; earlier ones are not even read.</summary>
    /// <remarks>A batch is valid until the next one is asked for.</remarks>
    public IEnumerable<HostBatch> Epoch(int epoch, int firstBatch = 0) =>
        options.Prefetch > 0 ? Prefetched(epoch, firstBatch) : Direct(epoch, firstBatch);

    private static float[][] Tables(int channels, BatchLoaderOptions options)
    {
        var tables = new float[channels][];
        for (int c = 0; c < channels; c++)
        {
            float mean = c < options.Mean.Count ? options.Mean[c] : 0f;
            float deviation = c < options.Deviation.Count ? options.Deviation[c] : 1f;
            tables[c] = new float[256];
            for (int v = 0; v < 256; v++)
            {
                tables[c][v] = ((v / 255f) - mean) / deviation;
            }
        }

        return tables;
    }

    private IEnumerable<HostBatch> Direct(int epoch, int firstBatch)
    {
        int[] order = Order(epoch);
        var batch = NewBatch();
        var pixels = NewPixels();
        for (int b = firstBatch; b < BatchesPerEpoch; b++)
        {
            Fill(batch, order, epoch, b, pixels);
            yield return batch;
        }
    }

    private IEnumerable<HostBatch> Prefetched(int epoch, int firstBatch)
    {
        using var stop = new CancellationTokenSource();
        using var empty = new BlockingCollection<HostBatch>();
        using var full = new BlockingCollection<HostBatch>();
        for (int i = 0; i < options.Prefetch + 1; i++)
        {
            empty.Add(NewBatch());
        }

        ExceptionDispatchInfo? failure = null;
        var worker = new Thread(() =>
        {
            try
            {
                int[] order = Order(epoch);
                var pixels = NewPixels();
                for (int b = firstBatch; b < BatchesPerEpoch; b++)
                {
                    var batch = empty.Take(stop.Token);
                    Fill(batch, order, epoch, b, pixels);
                    full.Add(batch);
                }
            }
            catch (OperationCanceledException)
            {
                // The consumer has left: nothing to say.
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                full.CompleteAdding();
            }
        })
        {
            IsBackground = true,
            Name = "smartfrz-loader",
        };
        worker.Start();
        try
        {
            while (full.TryTake(out var batch, Timeout.Infinite))
            {
                yield return batch;
                empty.Add(batch);
            }

            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            worker.Join();
        }
    }

    private HostBatch NewBatch() => new(options.BatchSize, data.Channels * data.Height * data.Width);

    private byte[] NewPixels() => new byte[data.Channels * data.Height * data.Width];

    private int[] Order(int epoch)
    {
        if (options.Shuffle)
        {
            return Philox.Keyed(options.Seed, OrderStream + (ulong)epoch).Permutation(data.Count);
        }

        var order = new int[data.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        return order;
    }

    private void Fill(HostBatch batch, int[] order, int epoch, int number, byte[] pixels)
    {
        int first = number * options.BatchSize;
        batch.Count = Math.Min(options.BatchSize, order.Length - first);
        var random = Philox.Keyed(options.Seed, AugmentStream + (ulong)epoch);
        for (int i = 0; i < batch.Count; i++)
        {
            int id = order[first + i];
            data.Read(id, pixels);
            batch.LabelStorage[i] = data.Label(id);
            batch.IdStorage[i] = id;
            var draw = random.Block((ulong)id);
            int span = (2 * options.CropPadding) + 1;
            int dy = (int)(((ulong)draw.X * (uint)span) >> 32) - options.CropPadding;
            int dx = (int)(((ulong)draw.Y * (uint)span) >> 32) - options.CropPadding;
            bool flip = options.Flip && (draw.Z & 1) != 0;
            batch.KeyStorage[i] = dy == 0 && dx == 0 && !flip
                ? 0
                : 1 | ((ulong)(uint)(dy + options.CropPadding) << 1) | ((ulong)(uint)(dx + options.CropPadding) << 20) | (flip ? 1UL << 40 : 0);
            Place(pixels, batch.Storage.AsSpan(i * batch.ValuesPerImage, batch.ValuesPerImage), dy, dx, flip);
        }
    }

    // The image moved by (dy, dx) over zeros, mirrored afterwards, and normalised through a table of the 256 pixel values.
    private void Place(byte[] pixels, Span<float> target, int dy, int dx, bool flip)
    {
        int height = data.Height, width = data.Width;
        for (int c = 0; c < data.Channels; c++)
        {
            float[] table = _tables[c];
            for (int y = 0; y < height; y++)
            {
                var row = target.Slice(((c * height) + y) * width, width);
                int from = y + dy;
                if (from < 0 || from >= height)
                {
                    row.Fill(table[0]);
                    continue;
                }

                var source = pixels.AsSpan(((c * height) + from) * width, width);
                if (dx == 0 && !flip)
                {
                    for (int x = 0; x < width; x++)
                    {
                        row[x] = table[source[x]];
                    }

                    continue;
                }

                for (int x = 0; x < width; x++)
                {
                    int at = (flip ? width - 1 - x : x) + dx;
                    row[x] = table[at >= 0 && at < width ? source[at] : 0];
                }
            }
        }
    }
}
