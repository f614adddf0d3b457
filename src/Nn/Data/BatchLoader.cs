using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>
/// Cuts a data set into batches: shuffled by (seed, epoch), augmented by (seed, epoch, image), normalised, and prepared ahead on a
/// background thread.
/// </summary>
/// <remarks>
/// Computes: batch b of epoch e holds images order(seed, e)[b*N .. b*N+N).
/// Shapes:   <see cref="HostBatch.Inputs"/> (N,C,H,W).
/// The bits depend on the data, the seed and the epoch alone: not on prefetching, on threads, or on the batch an epoch is begun at.
/// </remarks>
public sealed class BatchLoader : IBatchSource
{
    // The stream of the generator: augmentation must not draw the same numbers.
    private const ulong OrderStream = 0x6F72646572000000;

    private readonly Normalizer _normalizer;
    private readonly ConcurrentBag<HostBatch> _pool = [];

    /// <summary>Cuts that data into batches.</summary>
    /// <exception cref="OptionException">An option does not fit the data.</exception>
    public BatchLoader(IImageDataset data, BatchLoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        options.Check(data);
        (Data, Options) = (data, options);
        Inputs = [new InputSpec(InputSpec.Image, DType.F32, new Shape(data.Channels, data.Height, data.Width))];
        _normalizer = new Normalizer(data.Channels, data.Height, data.Width, options.Mean, options.Deviation);
    }

    /// <summary>The images.</summary>
    public IImageDataset Data { get; }

    /// <summary>How batches are made.</summary>
    public BatchLoaderOptions Options { get; }

    /// <summary>Batches of an epoch.</summary>
    public int BatchesPerEpoch => (int)((Data.Count + (Options.DropLast ? 0L : Options.BatchSize - 1)) / Options.BatchSize);

    /// <inheritdoc/>
    public IReadOnlyList<InputSpec> Inputs { get; }

    int IBatchSource.ExampleCount => Data.Count;

    int IBatchSource.BatchSize => Options.BatchSize;

    bool IBatchSource.DropsLast => Options.DropLast;

    ulong IBatchSource.Seed => Options.Seed;

    private int ValuesPerImage => Data.Channels * Data.Height * Data.Width;

    /// <summary>The batches of an epoch from number <paramref name="firstBatch"/> on; earlier ones are not even read.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="firstBatch">The batch to begin with; the number of batches for none.</param>
    /// <remarks>
    /// A batch is valid until the next one is asked for. Leaving a <c>foreach</c> (or disposing the enumerator) stops the background
    /// thread; what was thrown there is thrown here, after the batches made before it.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative, or there is no such batch.</exception>
    public IEnumerable<HostBatch> Epoch(int epoch, int firstBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        return Options.Prefetch > 0 ? Prefetched(epoch, firstBatch) : Direct(epoch, firstBatch);
    }

    IEnumerable<IBatch> IBatchSource.Batches(int epoch, int firstBatch) => Epoch(epoch, firstBatch);

    /// <summary>The images of an epoch in their order.</summary>
    public int[] Order(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        if (Options.Shuffle)
        {
            return Philox.Keyed(Options.Seed, OrderStream + (ulong)epoch).Permutation(Data.Count);
        }

        var order = new int[Data.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        return order;
    }

    private IEnumerable<HostBatch> Direct(int epoch, int firstBatch)
    {
        int[] order = Order(epoch);
        var scratch = new byte[Options.Workers][];
        var batch = Rent();
        try
        {
            for (int b = firstBatch; b < BatchesPerEpoch; b++)
            {
                Fill(batch, order, epoch, b, scratch);
                yield return batch;
            }
        }
        finally
        {
            _pool.Add(batch);
        }
    }

    private IEnumerable<HostBatch> Prefetched(int epoch, int firstBatch)
    {
        using var stop = new CancellationTokenSource();
        using var empty = new BlockingCollection<HostBatch>();
        using var full = new BlockingCollection<HostBatch>();
        ExceptionDispatchInfo? failure = null;

        // As many buffers as are prepared ahead, and the one in the consumer's hands.
        var ring = new HostBatch[Options.Prefetch + 1];
        for (int i = 0; i < ring.Length; i++)
        {
            ring[i] = Rent();
            empty.Add(ring[i]);
        }

        var worker = new Thread(() =>
        {
            try
            {
                int[] order = Order(epoch);
                var scratch = new byte[Options.Workers][];
                for (int b = firstBatch; b < BatchesPerEpoch; b++)
                {
                    var batch = empty.Take(stop.Token);
                    Fill(batch, order, epoch, b, scratch);
                    full.Add(batch);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
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
            Array.ForEach(ring, _pool.Add);
        }
    }

    private HostBatch Rent() => _pool.TryTake(out var batch) ? batch : new HostBatch(Options.BatchSize, Inputs[0].Shape);

    private void Fill(HostBatch batch, int[] order, int epoch, int number, byte[][] scratch)
    {
        int first = number * Options.BatchSize;
        batch.Count = Math.Min(Options.BatchSize, order.Length - first);
        var generator = Augmentation.Generator(Options.Seed, epoch);
        if (Options.Workers == 1)
        {
            FillPart(batch, order.AsSpan(first), generator, 0, 1, scratch);
            return;
        }

        // Of several failures the one of the lowest part is told, so that it is the same one every time.
        var failures = new ExceptionDispatchInfo?[Options.Workers];
        Parallel.For(0, Options.Workers, new ParallelOptions { MaxDegreeOfParallelism = Options.Workers }, part =>
        {
            try
            {
                FillPart(batch, order.AsSpan(first), generator, part, Options.Workers, scratch);
            }
            catch (Exception e)
            {
                failures[part] = ExceptionDispatchInfo.Capture(e);
            }
        });
        Array.Find(failures, f => f is not null)?.Throw();
    }

    // Part p of n equal parts of a batch, through a pixel buffer of its own.
    private void FillPart(HostBatch batch, ReadOnlySpan<int> ids, Philox generator, int part, int parts, byte[][] scratch)
    {
        byte[] pixels = scratch[part] ??= new byte[ValuesPerImage];
        int end = (int)((long)batch.Count * (part + 1) / parts);
        for (int i = (int)((long)batch.Count * part / parts); i < end; i++)
        {
            int id = ids[i];
            var how = Augmentation.Draw(generator, id, Options.CropPadding, Options.Flip);
            batch.KeyStorage[i] = ReadPixels(id, generator, how, pixels);
            _normalizer.Write(pixels, batch.Storage.AsSpan(i * batch.ValuesPerImage, batch.ValuesPerImage), how);
            batch.LabelStorage[i] = Data.Label(id);
            batch.IdStorage[i] = id;
        }
    }

    // Answers the augmentation's key.
    private ulong ReadPixels(int id, Philox generator, Augmentation how, byte[] pixels)
    {
        if (Options.ResizedCrop == 0)
        {
            Data.Read(id, pixels);
            return how.Key;
        }

        var box = Data.ReadPart(id, (height, width) => RandomResizedCrop.Draw(generator, id, Options.ResizedCrop, height, width), pixels);
        return RandomResizedCrop.Key(box, how.Flip);
    }
}
