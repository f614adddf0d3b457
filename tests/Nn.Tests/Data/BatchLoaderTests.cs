using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class BatchLoaderTests
{
    private static readonly SyntheticDataset Images = new(37, 5, 3, 6, 7, 0.5, seed: 3);

    private static readonly BatchLoaderOptions Augmented = new()
    {
        BatchSize = 8,
        Seed = 11,
        DropLast = false,
        CropPadding = 2,
        Flip = true,
        Mean = [0.1f, 0.2f, 0.3f],
        Deviation = [0.5f, 0.6f, 0.7f],
        Prefetch = 0,
    };

    [Fact]
    public void Each_image_comes_once_an_epoch()
    {
        foreach (bool shuffle in new[] { false, true })
        {
            var loader = new BatchLoader(Images, Augmented with { Shuffle = shuffle });
            int[] ids = [.. Copies(loader.Epoch(0)).SelectMany(b => b.Ids)];

            Assert.Equal(Enumerable.Range(0, 37), ids.Order());
            Assert.Equal(!shuffle, ids.SequenceEqual(Enumerable.Range(0, 37)));
            Assert.Equal(ids, loader.Order(0));
        }
    }

    [Fact]
    public void The_last_batch_is_kept_or_left_out()
    {
        var kept = new BatchLoader(Images, Augmented);
        var dropped = new BatchLoader(Images, Augmented with { DropLast = true });

        Assert.Equal([8, 8, 8, 8, 5], kept.Epoch(0).Select(b => b.Count));
        Assert.Equal([8, 8, 8, 8], dropped.Epoch(0).Select(b => b.Count));
        Assert.Equal((5, 4), (kept.BatchesPerEpoch, dropped.BatchesPerEpoch));
        Assert.Equal(5 * 3 * 6 * 7, kept.Epoch(0, 4).Single().Inputs.Length);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 4)]
    [InlineData(9, 2)]
    [InlineData(0, 3)]
    public void Prefetching_and_threads_change_no_bit(int prefetch, int workers)
    {
        var plain = new BatchLoader(Images, Augmented);
        var other = new BatchLoader(Images, Augmented with { Prefetch = prefetch, Workers = workers });

        for (int epoch = 0; epoch < 3; epoch++)
        {
            Equal(Copies(plain.Epoch(epoch)), Copies(other.Epoch(epoch)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_epoch_begun_in_the_middle_goes_on_with_the_same_bits_and_reads_nothing_else(int prefetch)
    {
        var counted = new CountingDataset(Images);
        var loader = new BatchLoader(counted, Augmented with { Prefetch = prefetch });
        var whole = Copies(loader.Epoch(1));
        counted.Reads = 0;

        Equal(whole[3..], Copies(loader.Epoch(1, 3)));

        Assert.Equal(13, counted.Reads);
        Assert.Empty(loader.Epoch(1, 5));
        Assert.Equal(13, counted.Reads);
    }

    [Fact]
    public void Epochs_and_seeds_differ_in_order_and_augmentation()
    {
        var loader = new BatchLoader(Images, Augmented);
        var other = new BatchLoader(Images, Augmented with { Seed = 12 });

        Assert.NotEqual(loader.Order(0), loader.Order(1));
        Assert.NotEqual(loader.Order(0), other.Order(0));
        Assert.NotEqual(Keys(loader, 0), Keys(loader, 1));
        Assert.NotEqual(Keys(loader, 0), Keys(other, 0));
        Assert.Equal(loader.Order(5), new BatchLoader(Images, Augmented).Order(5));

        // By image, not by place: the order plays no part.
        Assert.Equal(Keys(loader, 0), Keys(new BatchLoader(Images, Augmented with { Shuffle = false, BatchSize = 3 }), 0));

        static ulong[] Keys(BatchLoader loader, int epoch) =>
            [.. Copies(loader.Epoch(epoch)).SelectMany(b => b.Ids.Zip(b.Keys)).OrderBy(p => p.First).Select(p => p.Second)];
    }

    [Fact]
    public void Batches_are_as_a_slow_reference_makes_them()
    {
        foreach (var (padding, flip) in new[] { (0, false), (0, true), (2, false), (2, true), (9, true) })
        {
            var loader = new BatchLoader(Images, Augmented with { CropPadding = padding, Flip = flip });
            foreach (var batch in Copies(loader.Epoch(2)))
            {
                for (int i = 0; i < batch.Ids.Length; i++)
                {
                    Assert.Equal(Images.Label(batch.Ids[i]), batch.Labels[i]);
                    var expected = Reference(batch.Ids[i], Augmentation.FromKey(batch.Keys[i]));
                    Assert.Equal(expected, batch.Inputs[(i * expected.Length)..((i + 1) * expected.Length)]);
                    Assert.Equal(padding == 0 && !flip, batch.Keys.All(k => k == 0));
                }
            }
        }
    }

    [Fact]
    public void A_failure_reaches_the_consumer_after_the_batches_before_it()
    {
        foreach (var (prefetch, workers) in new[] { (0, 1), (2, 1), (2, 3) })
        {
            int bad = new BatchLoader(Images, Augmented).Order(0)[8 * 3];
            var loader = new BatchLoader(new CountingDataset(Images) { Bad = bad }, Augmented with { Prefetch = prefetch, Workers = workers });
            int seen = 0;

            var e = Assert.Throws<DataFormatException>(() =>
            {
                foreach (var _ in loader.Epoch(0))
                {
                    seen++;
                }
            });

            Assert.Equal(($"image {bad} cannot be read", 3), (e.Message, seen));
        }
    }

    [Fact]
    public void Leaving_early_stops_the_thread_and_the_loader_goes_on()
    {
        var counted = new CountingDataset(Images);
        var loader = new BatchLoader(counted, Augmented with { Prefetch = 1 });
        var expected = Copies(loader.Epoch(0));
        counted.Reads = 0;

        Assert.Equal(8, loader.Epoch(0).First().Count);

        // The thread has ended: at most the batch asked for, the one ahead and one being made were read, and none comes later.
        int reads = counted.Reads;
        Assert.InRange(reads, 8, 24);
        Thread.Sleep(20);
        Assert.Equal(reads, counted.Reads);
        Equal(expected, Copies(loader.Epoch(0)));
    }

    [Fact]
    public void Buffers_are_used_again()
    {
        var loader = new BatchLoader(new SyntheticDataset(64, 2, 3, 64, 64, 0, 1), new BatchLoaderOptions { BatchSize = 8, Prefetch = 2 });
        var first = loader.Epoch(0).ToHashSet();

        var second = loader.Epoch(1).ToHashSet();

        Assert.Equal(3, first.Count);
        Assert.True(second.IsSubsetOf(first));
    }

    [Fact]
    public void Two_epochs_may_run_side_by_side()
    {
        var loader = new BatchLoader(Images, Augmented with { Prefetch = 2 });
        var expected = Copies(loader.Epoch(0));

        Equal(expected, [.. loader.Epoch(0).Zip(loader.Epoch(1), (a, b) => Copy(a))]);
    }

    [Fact]
    public void Wrong_options_say_what_is_expected()
    {
        Assert.Equal("batch size 0, expected at least 1", Message(Augmented with { BatchSize = 0 }));
        Assert.Equal("crop padding -1, expected 0 to 32767", Message(Augmented with { CropPadding = -1 }));
        Assert.Equal("prefetch depth -1, expected 0 to 1024", Message(Augmented with { Prefetch = -1 }));
        Assert.Equal("number of loader threads 0, expected 1 to 1024", Message(Augmented with { Workers = 0 }));
        Assert.Equal("1 means given, the images have 3 channels", Message(Augmented with { Mean = [0f] }));
        Assert.Equal("2 standard deviations given, the images have 3 channels", Message(Augmented with { Deviation = [1f, 1f] }));
        Assert.Equal("standard deviation -0.5, expected a positive number", Message(Augmented with { Deviation = [1f, -0.5f, 1f] }));
        Assert.Equal(
            "a batch of 38 images cannot be cut from a data set of 37, and batches that are not full are left out",
            Message(Augmented with { BatchSize = 38, DropLast = true }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(Images, Augmented).Epoch(0, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(Images, Augmented).Epoch(-1));

        static string Message(BatchLoaderOptions options) => Assert.Throws<OptionException>(() => new BatchLoader(Images, options)).Message;
    }

    // The definition, pixel by pixel: pad with black, cut, mirror, normalise.
    private static float[] Reference(int id, Augmentation how)
    {
        const int height = 6, width = 7;
        byte[] pixels = PixelStatistics.Image(Images, id);
        var result = new float[pixels.Length];
        for (int i = 0; i < result.Length; i++)
        {
            int c = i / (height * width), y = i / width % height, x = i % width;
            int column = (how.Flip ? width - 1 - x : x) + how.Dx, row = y + how.Dy;
            bool inside = row is >= 0 and < height && column is >= 0 and < width;
            int pixel = inside ? pixels[(((c * height) + row) * width) + column] : 0;
            result[i] = ((pixel / 255f) - Augmented.Mean[c]) / Augmented.Deviation[c];
        }

        return result;
    }

    private static BatchCopy[] Copies(IEnumerable<HostBatch> batches) => [.. batches.Select(Copy)];

    private static BatchCopy Copy(HostBatch b) => new(b.Inputs.ToArray(), b.Labels.ToArray(), b.SampleIds.ToArray(), b.AugmentationKeys.ToArray());

    private static void Equal(BatchCopy[] expected, BatchCopy[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        foreach (var (e, a) in expected.Zip(actual))
        {
            Assert.Equal(e.Inputs, a.Inputs);
            Assert.Equal(e.Labels, a.Labels);
            Assert.Equal(e.Ids, a.Ids);
            Assert.Equal(e.Keys, a.Keys);
        }
    }

    private sealed record BatchCopy(float[] Inputs, int[] Labels, int[] Ids, ulong[] Keys);

    private sealed class CountingDataset(IImageDataset inner) : IImageDataset
    {
        private int _reads;

        public int Reads
        {
            get => Volatile.Read(ref _reads);
            set => Volatile.Write(ref _reads, value);
        }

        public int Bad { get; init; } = -1;

        public int Count => inner.Count;

        public int Channels => inner.Channels;

        public int Height => inner.Height;

        public int Width => inner.Width;

        public IReadOnlyList<string> ClassNames => inner.ClassNames;

        public int Label(int index) => inner.Label(index);

        public void Read(int index, Span<byte> chw)
        {
            Interlocked.Increment(ref _reads);
            if (index == Bad)
            {
                throw new DataFormatException($"image {index} cannot be read");
            }

            inner.Read(index, chw);
        }
    }
}
