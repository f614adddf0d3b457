namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The product at the heart of a convolution and of its input gradient: output channels by pixels, summed over source channels and
/// taps. The weights are packed once; each piece lays out its part of the source (<see cref="CpuConvPlanes"/>) and runs
/// <see cref="CpuTile"/> over it, the taps being offsets. Every output is summed by one thread in one order.
/// </summary>
internal unsafe struct CpuConvPass : ISimdAction
{
    // Terms summed in registers before the output is touched: what they read of the source, for one tile, stays in the first-level cache.
    private const int DepthTarget = 320;

    // Floats of source laid out at a time: half of a small second-level cache.
    private const int PlaneBudget = 64 * 1024;

    // Output channels whose packed weights stay in the second-level cache while the pixels pass by.
    private const int RowsAtATime = 144;

    // Pixels to gather from several images where one has few; weights beyond the cache should see many pixels each time they are read.
    private const int SmallImage = 64, GatheredPixels = 256, LargeWeights = 128 * 1024;

    private const long FlopsPerPiece = 1_000_000;

    public CpuPool Pool;
    public CpuTapAxis Rows, Columns;
    public int Images;
    public float* Source;
    public long SourceImage;

    /// <summary>The output of the first pixel; its pixels need not lie side by side.</summary>
    public float* Output;
    public long OutputImage;
    public nint OutputChannel;
    public int OutputRow, OutputColumn;
    public float* Bias;
    public bool Accumulate;

    /// <summary>What to pack, less the places and cuts, which are decided here.</summary>
    public CpuConvWeights Weights;

    public void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (Rows.Out == 0 || Columns.Out == 0)
        {
            return;
        }

        using var alone = Pool.Exclusive();
        int max = CpuTile.MaxRows<S, V>();
        Weights.Tiles = (Weights.Out + max - 1) / max;
        int blockChannels = Math.Clamp(DepthTarget / Math.Max(1, Weights.Taps), 1, Weights.Source);
        Weights.ChannelBlocks = (Weights.Source + blockChannels - 1) / blockChannels;
        blockChannels = (Weights.Source + Weights.ChannelBlocks - 1) / Weights.ChannelBlocks;

        var body = new Body<S, V>
        {
            Rows = Rows,
            Columns = Columns,
            Images = Images,
            Source = Source,
            SourceImage = SourceImage,
            Output = Output,
            OutputImage = OutputImage,
            OutputChannel = OutputChannel,
            OutputRow = OutputRow,
            OutputColumn = OutputColumn,
            Bias = Bias,
            Accumulate = Accumulate,
        };
        body.Cut(Weights, blockChannels, Pool.Threads);

        int depth = blockChannels * Weights.Taps;
        float* shared = Pool.Shared(Weights.Floats + depth);
        Weights.Packed = shared;
        body.Weights = Weights;
        body.Offsets = (int*)(shared + Weights.Floats);
        body.Planes.WriteOffsets(blockChannels, body.Offsets);
        body.Scratch = Pool.Scratch(body.Planes.Floats(blockChannels));

        var pack = new PackBody { Weights = Weights };
        Pool.For(Weights.Groups * Weights.Tiles, (int)Math.Clamp(32L * 1024 * Weights.Tiles * Weights.Groups / Math.Max(1, Weights.Floats), 1, int.MaxValue), ref pack);
        long flops = 2L * Images * Rows.Out * Columns.Out * Weights.Floats;
        Pool.For(body.Count, (int)Math.Clamp(FlopsPerPiece * body.Count / Math.Max(1, flops), 1, int.MaxValue), ref body);
    }

    // One index is one tile of output channels of one group to pack.
    private struct PackBody : IParallelBody
    {
        public CpuConvWeights Weights;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int i = begin; i < end; i++)
            {
                Weights.Pack(i / Weights.Tiles, i % Weights.Tiles);
            }
        }
    }

    // One index is a strip of output rows of one image (or of a few small images) for one group and a part of its output channels.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public CpuTapAxis Rows, Columns;
        public CpuConvWeights Weights;
        public CpuConvPlanes Planes;
        public WorkerScratch Scratch;
        public int Images;
        public float* Source, Output, Bias;
        public long SourceImage, OutputImage;
        public nint OutputChannel;
        public int OutputRow, OutputColumn;
        public int* Offsets;
        public bool Accumulate;
        private int _imageBlocks, _strips, _parts;

        public readonly int Count => _imageBlocks * Weights.Groups * _strips * _parts;

        public void Cut(in CpuConvWeights weights, int blockChannels, int threads)
        {
            int pixels = Rows.Out * Columns.Out, together = 1;
            if (pixels < SmallImage || (pixels < GatheredPixels / 2 && weights.Floats > LargeWeights * (long)weights.Groups))
            {
                together = Math.Clamp(Math.Min(GatheredPixels / pixels, Images / (2 * threads)), 1, Images);
            }

            // Where a register never reaches over the end of a row, column taps can share copies of the source.
            bool shareColumns = together == 1 && Columns.Out % S.Width == 0 && weights.Out > 1;
            int floatsPerRow = blockChannels * CpuConvPlanes.FloatsPerRow(Columns, shareColumns);
            int stripRows = Math.Clamp(PlaneBudget / floatsPerRow, 1, Rows.Out);
            _imageBlocks = (Images + together - 1) / together;
            int wanted = 2 * threads, items = _imageBlocks * weights.Groups;
            if (items < wanted)
            {
                // Too few images for the threads: lower strips, then parts of the output channels.
                int leastRows = Math.Min(Rows.Out, ((4 * S.Width) + Columns.Out - 1) / Columns.Out);
                stripRows = Math.Clamp(Rows.Out / ((wanted + items - 1) / items), leastRows, stripRows);
            }

            _strips = together > 1 ? 1 : (Rows.Out + stripRows - 1) / stripRows;
            stripRows = (Rows.Out + _strips - 1) / _strips;
            _parts = Math.Clamp((wanted + (items * _strips) - 1) / (items * _strips), 1, Math.Max(1, weights.Tiles));
            Planes = new CpuConvPlanes(Rows, Columns, stripRows, together, shareColumns);
        }

        public readonly void Run(int begin, int end, int worker)
        {
            float* planes = Scratch.Of(worker);
            float* tile = stackalloc float[12 * 32];
            for (int n = begin; n < end; n++)
            {
                int part = n % _parts, strip = n / _parts % _strips, group = n / _parts / _strips % Weights.Groups;
                int image = n / _parts / _strips / Weights.Groups * Planes.Images;
                int y = strip * Rows.Out / _strips, rows = ((strip + 1) * Rows.Out / _strips) - y;
                Strip(group, image, Math.Min(Planes.Images, Images - image), y, rows, part * Weights.Tiles / _parts, (part + 1) * Weights.Tiles / _parts, planes, tile);
            }
        }

        private readonly void Strip(int group, int image, int images, int y, int rows, int firstTile, int lastTile, float* planes, float* tile)
        {
            int tilesAtATime = Math.Max(1, RowsAtATime / CpuTile.MaxRows<S, V>());
            for (int block = 0; block < Weights.ChannelBlocks; block++)
            {
                int channel = Weights.BlockStart(block), channels = Weights.BlockStart(block + 1) - channel;
                for (int i = 0; i < images; i++)
                {
                    float* source = Source + ((image + i) * SourceImage) + ((((long)group * Weights.Source) + channel) * Rows.Source * Columns.Source);
                    Planes.Fill(source, channels, y, rows, i, planes);
                }

                for (int t = firstTile; t < lastTile; t += tilesAtATime)
                {
                    Tiles(group, block, channels * Weights.Taps, t, Math.Min(lastTile, t + tilesAtATime), image, images, y, rows, planes, tile);
                }
            }
        }

        // All pixels of a strip for some tiles of output channels and one block of source channels.
        private readonly void Tiles(
            int group, int block, int depth, int firstTile, int lastTile, int image, int images, int y, int rows, float* planes, float* tile)
        {
            int inStrip = rows * Columns.Out, pixels = images * inStrip;
            bool add = Accumulate || block > 0, sideBySide = OutputColumn == 1 && OutputRow == Columns.Out;
            if (Weights.Out == 1 && sideBySide)
            {
                for (int i = 0; i < images; i++)
                {
                    float* line = Output + ((long)group * OutputChannel) + Place(image + i, y, 0, inStrip);
                    float bias = Bias != null && block == 0 ? Bias[group] : 0f;
                    CpuLine.Sum<S, V>(depth, Weights.Panel(group, block, 0), Offsets, planes + (i * inStrip), line, inStrip, add, bias);
                }

                return;
            }

            long* places = stackalloc long[32];
            for (int q = 0; q < pixels; q += 2 * S.Width)
            {
                int columns = Math.Min(2 * S.Width, pixels - q);
                float* c = Output + ((long)group * Weights.Out * OutputChannel);
                float* b0 = planes + At(q), b1 = columns > S.Width ? planes + At(q + S.Width) : b0;
                long left = Place(image, y, q, inStrip), right = left;
                bool direct = sideBySide && columns == 2 * S.Width && q / inStrip == (q + S.Width - 1) / inStrip && (q + S.Width) / inStrip == (q + columns - 1) / inStrip;
                if (direct)
                {
                    right = Place(image, y, q + S.Width, inStrip);
                }
                else
                {
                    for (int j = 0; j < columns; j++)
                    {
                        places[j] = Place(image, y, q + j, inStrip);
                    }
                }

                for (int t = firstTile; t < lastTile; t++)
                {
                    int row = Weights.TileStart(t), height = Weights.TileStart(t + 1) - row;
                    float* panel = Weights.Panel(group, block, t);
                    float* bias = Bias != null && block == 0 ? Bias + (group * Weights.Out) + row : null;
                    float* to = c + (row * OutputChannel);
                    if (direct)
                    {
                        CpuTile.Run<S, V>(height, depth, panel, Offsets, b0, b1, to + left, to + right, OutputChannel, add, bias);
                        continue;
                    }

                    CpuTile.Run<S, V>(height, depth, panel, Offsets, b0, b1, tile, tile + S.Width, 2 * S.Width, false, bias);
                    Scatter(tile, height, columns, to, places, add);
                }
            }
        }

        // Where a pixel of the strip is in the planes.
        private readonly int At(int pixel) =>
            Planes.RowPitch == Columns.Out ? pixel : (pixel / Columns.Out * Planes.RowPitch) + (pixel % Columns.Out);

        // Where it is in the output.
        private readonly long Place(int image, int y, int pixel, int inStrip)
        {
            int i = pixel / inStrip, rest = pixel - (i * inStrip);
            int row = rest / Columns.Out;
            return ((image + i) * OutputImage) + ((long)(y + row) * OutputRow) + ((long)(rest - (row * Columns.Out)) * OutputColumn);
        }

        private readonly void Scatter(float* tile, int rows, int columns, float* to, long* places, bool add)
        {
            for (int i = 0; i < rows; i++, tile += 2 * S.Width, to += OutputChannel)
            {
                for (int j = 0; j < columns; j++)
                {
                    to[places[j]] = add ? to[places[j]] + tile[j] : tile[j];
                }
            }
        }
    }
}
