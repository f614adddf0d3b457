using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The product at the heart of a convolution and of its input gradient: output channels by pixels, summed over source channels and
/// taps. The weights are packed once; each piece lays out its part of the source (<see cref="CpuConvPlanes"/>) and runs
/// <see cref="CpuTile"/> over it, the taps being offsets. Every output is summed by one thread in one order.
/// </summary>
internal unsafe struct CpuConvPass : ISimdAction
{
    // Floats of source laid out at a time: half of a small second-level cache.
    private const int PlaneBudget = 64 * 1024;

    // Output channels whose packed weights stay in the second-level cache while the pixels pass by.
    private const int RowsAtATime = 144;

    // Pixels to gather from several images where one has few; weights beyond the cache should see many pixels each time they are read.
    private const int SmallImage = 64, GatheredPixels = 256, LargeWeights = 128 * 1024;

    private const long FlopsPerPiece = 1_000_000;

    // The tallest tile of the widest registers.
    private const int TileFloats = 12 * 32;

    public CpuPool Pool;
    public int Images;
    public float* Source;
    public long SourceImage;

    /// <summary>Elements from one image, channel, row and column of a phase's output to the next.</summary>
    public long OutputImage;
    public nint OutputChannel;
    public int OutputRow, OutputColumn;
    public float* Bias;
    public bool Accumulate;

    /// <summary>What becomes of a forward pass's sums; its memory is the caller's.</summary>
    public CpuFinishOperands* Finish;

    /// <summary>The phases, each with its axes, its output and what to pack; the cuts are decided here.</summary>
    public CpuConvPhase* Phases;
    public int PhaseCount;

    public void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        using var alone = Pool.Exclusive();
        var body = new Body<S, V> { Pass = Unmanaged.Of(this) };
        long packed = 0, depths = 0, flops = 0;
        for (int i = 0; i < PhaseCount; i++)
        {
            ref var phase = ref Phases[i];
            phase.CutChannels<S, V>();
            packed += phase.Weights.Floats;
            depths += phase.Depth;
            flops += 2L * Images * phase.Pixels * phase.Weights.Floats;
        }

        body.Cut(Pool.Threads);

        int channels = Finish != null ? Phases[0].Weights.Groups * Phases[0].Weights.Out : 0;
        float* shared = Pool.Shared(channels + packed + depths);
        if (Finish != null)
        {
            body.Finish = Finish->Prepare(shared, channels);
            body.Finishes = true;
            shared += channels;
        }

        int* offsets = (int*)(shared + packed);
        long planes = 0;
        int tiles = 0;
        for (int i = 0; i < PhaseCount; i++)
        {
            ref var phase = ref Phases[i];
            phase.Weights.Packed = shared;
            shared += phase.Weights.Floats;
            phase.Offsets = offsets;
            offsets += phase.Depth;
            phase.Planes.WriteOffsets(phase.BlockChannels, phase.Offsets);
            planes = Math.Max(planes, phase.Planes.Floats(phase.BlockChannels));
            tiles += phase.Weights.Groups * phase.Weights.Tiles;
        }

        body.PlaneFloats = (planes + 15) & ~15L;
        body.Scratch = Pool.Scratch(body.PlaneFloats + body.SumFloats);
        var pack = new PackBody { Phases = Phases };
        Pool.For(tiles, (int)Math.Clamp(32L * 1024 * tiles / Math.Max(1, packed), 1, int.MaxValue), ref pack);
        Pool.For(body.Count, (int)Math.Clamp(FlopsPerPiece * body.Count / Math.Max(1, flops), 1, int.MaxValue), ref body);
    }

    // The fields that a piece needs: a body is plain data.
    private struct Unmanaged
    {
        public int Images, PhaseCount;
        public float* Source, Bias;
        public long SourceImage, OutputImage;
        public nint OutputChannel;
        public int OutputRow, OutputColumn;
        public bool Accumulate;
        public CpuConvPhase* Phases;

        public static Unmanaged Of(in CpuConvPass pass) => new()
        {
            Images = pass.Images,
            PhaseCount = pass.PhaseCount,
            Source = pass.Source,
            Bias = pass.Bias,
            SourceImage = pass.SourceImage,
            OutputImage = pass.OutputImage,
            OutputChannel = pass.OutputChannel,
            OutputRow = pass.OutputRow,
            OutputColumn = pass.OutputColumn,
            Accumulate = pass.Accumulate,
            Phases = pass.Phases,
        };
    }

    // One index is one tile of output channels of one group of one phase to pack.
    private struct PackBody : IParallelBody
    {
        public CpuConvPhase* Phases;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int i = begin; i < end;)
            {
                var phase = Phases;
                int tile = i;
                for (; tile >= phase->Weights.Groups * phase->Weights.Tiles; phase++)
                {
                    tile -= phase->Weights.Groups * phase->Weights.Tiles;
                }

                // As many tiles of one group as there are.
                int group = tile / phase->Weights.Tiles, first = tile - (group * phase->Weights.Tiles);
                int last = Math.Min(phase->Weights.Tiles, first + end - i);
                phase->Weights.Pack(group, first, last);
                i += last - first;
            }
        }
    }

    // One index is a strip of output rows of one image (or of a few small images) for one group and a part of its output channels; all
    // phases of it, so that they meet the same source and output in the cache.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Unmanaged Pass;
        public WorkerScratch Scratch;
        public CpuFinish Finish;
        public bool Finishes;
        public long PlaneFloats, SumFloats;
        private int _together, _imageBlocks, _strips, _parts;

        public readonly int Count => _imageBlocks * Pass.Phases->Weights.Groups * _strips * _parts;

        public void Cut(int threads)
        {
            // The first phase is the largest.
            ref var first = ref Pass.Phases[0];
            ref var weights = ref first.Weights;
            int pixels = first.Pixels, images = Pass.Images;
            _together = 1;
            bool large = weights.Floats > LargeWeights * (long)weights.Groups;
            if (pixels < SmallImage || (pixels < GatheredPixels / 2 && large))
            {
                // Threads share small weights by images, large ones by output channels: each number of those is then read by one thread.
                int most = threads == 1 || large ? images : images / (2 * threads);
                _together = FewestColumns(pixels, images, Math.Clamp(Math.Min(GatheredPixels / pixels, most), 1, images), S.Width);
            }

            int floatsPerRow = first.BlockChannels * CpuConvPlanes.FloatsPerRow(first.Columns, first.ShareColumns<S, V>(_together));
            int stripRows = Math.Clamp(PlaneBudget / floatsPerRow, 1, first.Rows.Out);
            _imageBlocks = (images + _together - 1) / _together;
            int wanted = threads == 1 ? 1 : 2 * threads, items = _imageBlocks * weights.Groups;
            if (items < wanted)
            {
                // Too few images for the threads: lower strips, then parts of the output channels.
                int leastRows = Math.Min(first.Rows.Out, ((4 * S.Width) + first.Columns.Out - 1) / first.Columns.Out);
                stripRows = Math.Clamp(first.Rows.Out / ((wanted + items - 1) / items), leastRows, Math.Max(leastRows, stripRows));
            }

            _strips = _together > 1 ? 1 : (first.Rows.Out + stripRows - 1) / stripRows;
            _parts = Math.Clamp((wanted + (items * _strips) - 1) / (items * _strips), 1, weights.Tiles);
            for (int i = 0; i < Pass.PhaseCount; i++)
            {
                ref var phase = ref Pass.Phases[i];
                phase.Planes = new CpuConvPlanes(phase.Rows, phase.Columns, (phase.Rows.Out + _strips - 1) / _strips, _together, phase.ShareColumns<S, V>(_together));
                if (phase.Weights.ChannelBlocks > 1)
                {
                    int tiles = (phase.Weights.Tiles + _parts - 1) / _parts;
                    SumFloats = Math.Max(SumFloats, (long)tiles * CpuTile.MaxRows<S, V>() * SumPitch(phase.Planes.StripRows * phase.Columns.Out * _together));
                }
            }
        }

        // How many images to gather, at most so many, that the fewest columns of tiles are left over.
        private static int FewestColumns(int pixels, int images, int most, int width)
        {
            int best = most;
            long least = long.MaxValue;
            for (int together = most; together > most / 2; together--)
            {
                long columns = ((long)(images / together) * Whole(together * pixels, width)) + Whole(images % together * pixels, width);
                if (columns < least)
                {
                    least = columns;
                    best = together;
                }
            }

            return best;
        }

        private static int Whole(int pixels, int width) => (pixels + width - 1) / width * width;

        // From one output channel's sums to the next: not a power of two apart.
        private static int SumPitch(int pixels) => Whole(pixels, 2 * S.Width) + S.Width;

        public readonly void Run(int begin, int end, int worker)
        {
            float* planes = Scratch.Of(worker), sums = planes + PlaneFloats;
            float* tile = stackalloc float[2 * TileFloats];
            for (int n = begin; n < end; n++)
            {
                int part = n % _parts, strip = n / _parts % _strips, groups = Pass.Phases->Weights.Groups;
                int group = n / _parts / _strips % groups, image = n / _parts / _strips / groups * _together;
                for (int i = 0; i < Pass.PhaseCount; i++)
                {
                    Strip(Pass.Phases[i], group, image, Math.Min(_together, Pass.Images - image), strip, part, planes, sums, tile);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Strip(in CpuConvPhase phase, int group, int image, int images, int strip, int part, float* planes, float* sums, float* tile)
        {
            int y = strip * phase.Rows.Out / _strips, rows = ((strip + 1) * phase.Rows.Out / _strips) - y;
            int firstTile = part * phase.Weights.Tiles / _parts, lastTile = (part + 1) * phase.Weights.Tiles / _parts;
            int tilesAtATime = Math.Max(1, RowsAtATime / CpuTile.MaxRows<S, V>());
            for (int block = 0; block < phase.Weights.ChannelBlocks; block++)
            {
                int channel = phase.Weights.BlockStart(block), channels = phase.Weights.BlockStart(block + 1) - channel;
                for (int i = 0; i < images; i++)
                {
                    long at = (((long)group * phase.Weights.Source) + channel) * phase.Rows.Source * phase.Columns.Source;
                    phase.Planes.Fill(Pass.Source + ((image + i) * Pass.SourceImage) + at, channels, y, rows, i, planes);
                }

                for (int t = firstTile; t < lastTile; t += tilesAtATime)
                {
                    float* sum = sums + ((long)(phase.Weights.TileStart(t) - phase.Weights.TileStart(firstTile)) * SumPitch(images * rows * phase.Columns.Out));
                    Tiles(phase, group, block, channels * phase.Weights.Taps, t, Math.Min(lastTile, t + tilesAtATime), image, images, y, rows, planes, sum, tile);
                }
            }
        }

        // All pixels of a strip for some tiles of output channels and one block of source channels.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Tiles(
            in CpuConvPhase phase, int group, int block, int depth, int firstTile, int lastTile, int image, int images, int y, int rows, float* planes, float* sums, float* tile)
        {
            ref readonly var weights = ref phase.Weights;
            int width = phase.Columns.Out, inStrip = rows * width, pixels = images * inStrip;
            bool first = block == 0, last = block == weights.ChannelBlocks - 1;
            int pitch = SumPitch(pixels);
            bool add = Pass.Accumulate || !first, sideBySide = Pass.OutputColumn == 1 && Pass.OutputRow == width;
            float* output = phase.Output + ((long)group * weights.Out * Pass.OutputChannel);
            float* biases = Pass.Bias != null && block == 0 ? Pass.Bias + (group * weights.Out) : null;
            bool finishes = Finishes && last;
            nint toResidual = Finish.Residual != null ? (nint)(Finish.Residual - phase.Output) : 0;
            if (weights.Out == 1 && sideBySide)
            {
                for (int i = 0; i < images; i++)
                {
                    float* line = output + Place(width, image + i, y, 0, inStrip);
                    var finish = finishes ? Finish.From(group) : default;
                    finish.Residual = finish.Residual != null ? line + toResidual : null;
                    CpuLine.Sum<S, V>(
                        depth, weights.Panel(group, block, 0), phase.Offsets, planes + (i * inStrip), line, inStrip, add ? line : null, biases != null ? *biases : 0f, finishes ? &finish : null);
                }

                return;
            }

            // Divisions done once, not for each tile: where the rows of each tile begin, and so its panel.
            float* panels = weights.Panel(group, block, 0);
            int* starts = stackalloc int[RowsAtATime + 1];
            for (int t = firstTile; t <= lastTile; t++)
            {
                starts[t - firstTile] = weights.TileStart(t);
            }

            long* places = stackalloc long[32];
            for (int q = 0; q < pixels; q += 2 * S.Width)
            {
                int columns = Math.Min(2 * S.Width, pixels - q);
                float* b0 = planes + At(phase, q), b1 = columns > S.Width ? planes + At(phase, q + S.Width) : b0;
                long left = Place(width, image, y, q, inStrip), right = left;
                bool direct = sideBySide && columns == 2 * S.Width && q / inStrip == (q + S.Width - 1) / inStrip && (q + S.Width) / inStrip == (q + columns - 1) / inStrip;
                if (direct)
                {
                    right = Place(width, image, y, q + S.Width, inStrip);
                }
                else
                {
                    for (int j = 0; j < columns; j++)
                    {
                        places[j] = Place(width, image, y, q + j, inStrip);
                    }
                }

                for (int t = firstTile; t < lastTile; t++)
                {
                    int row = starts[t - firstTile], height = starts[t - firstTile + 1] - row;
                    float* panel = panels + ((long)row * depth), to = output + (row * Pass.OutputChannel);
                    float* bias = biases != null ? biases + row : null;
                    var finish = finishes ? Finish.From((group * weights.Out) + row) : default;
                    if (direct)
                    {
                        finish.Residual = finish.Residual != null ? to + left + toResidual : null;
                        finish.Pitch = Pass.OutputChannel;
                        CpuTile.Run<S, V>(
                            height, depth, panel, phase.Offsets, b0, b1, to + left, to + right, Pass.OutputChannel, add ? to + left : null, bias, finishes ? &finish : null);
                        continue;
                    }

                    // Through memory of its own, where the sums stay between blocks; what is added and the residual are gathered first.
                    float* own = first && last ? tile : sums + ((long)(row - starts[0]) * pitch) + q;
                    nint ownPitch = first && last ? 2 * S.Width : pitch;
                    if (first && add)
                    {
                        Gather(to, height, columns, places, own, ownPitch);
                    }

                    if (finish.Residual != null)
                    {
                        finish.Residual = tile + TileFloats;
                        finish.Pitch = 2 * S.Width;
                        Gather(to + toResidual, height, columns, places, finish.Residual, finish.Pitch);
                    }

                    float* plus = add ? own : null;
                    var end = finishes ? &finish : null;
                    if (columns > S.Width)
                    {
                        CpuTile.Run<S, V>(height, depth, panel, phase.Offsets, b0, b1, own, own + S.Width, ownPitch, plus, bias, end);
                    }
                    else
                    {
                        CpuTile.RunOne<S, V>(height, depth, panel, phase.Offsets, b0, own, ownPitch, plus, bias, end);
                    }

                    if (last)
                    {
                        Scatter(own, ownPitch, height, columns, to, places);
                    }
                }
            }
        }

        // Where a pixel of the strip is in the planes.
        private static int At(in CpuConvPhase phase, int pixel)
        {
            int width = phase.Columns.Out;
            return phase.Planes.RowPitch == width ? pixel : (pixel / width * phase.Planes.RowPitch) + (pixel % width);
        }

        // Where it is in the output.
        private readonly long Place(int width, int image, int y, int pixel, int inStrip)
        {
            int i = pixel / inStrip, rest = pixel - (i * inStrip), row = rest / width;
            return ((image + i) * Pass.OutputImage) + ((long)(y + row) * Pass.OutputRow) + ((long)(rest - (row * width)) * Pass.OutputColumn);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Gather(float* from, int rows, int columns, long* places, float* tile, nint pitch)
        {
            for (int i = 0; i < rows; i++, tile += pitch, from += Pass.OutputChannel)
            {
                for (int j = 0; j < columns; j++)
                {
                    tile[j] = from[places[j]];
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Scatter(float* tile, nint pitch, int rows, int columns, float* to, long* places)
        {
            for (int i = 0; i < rows; i++, tile += pitch, to += Pass.OutputChannel)
            {
                for (int j = 0; j < columns; j++)
                {
                    to[places[j]] = tile[j];
                }
            }
        }
    }
}
