using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// dW[k, c, r, s] = sum over images and pixels of dY[k, pixel] * X[c, the pixel that tap (r, s) sees]. The gradient is built
/// transposed, (c, r, s) by k: a row is a plane of X (<see cref="CpuConvPlanes"/>) read number by number, the columns are dY turned so
/// that the channels of a pixel lie side by side. With few channels in a group each number is a dot product along the pixels instead.
/// </summary>
/// <remarks>
/// A piece has a fixed part of the images and a sum of its own; the sums are added in the order of the parts. A large gradient is cut
/// by output channels first, which needs no second sum.
/// </remarks>
internal unsafe struct CpuConvWeightGradient : ISimdAction
{
    // Floats of source laid out at a time: half of a small second-level cache.
    private const int PlaneBudget = 64 * 1024;

    // Pixels at a time: two registers of dY for each stay in the first-level cache while the taps pass by.
    private const int DepthFloats = 4096;

    // Sums larger than the cache should see many pixels for each time they are touched: that many, from several images if need be.
    private const int LargeSum = 64 * 1024, GatheredPixels = 512;

    // Smaller images than this are gathered in any case, for longer loops.
    private const int SmallImage = 48;

    // Sums too large to have one for each thread.
    private const int CutSum = 256 * 1024;

    private const long FlopsPerPiece = 1_000_000;

    public CpuPool Pool;
    public Conv2dShape Shape;
    public CpuTapAxis Rows, Columns;
    public float* X, Dy, Dw;
    public bool Accumulate;

    public void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        using var alone = Pool.Exclusive();
        int channels = Shape.C / Shape.Groups, outs = Shape.K / Shape.Groups;
        bool dots = outs <= S.Width / 2;
        var body = new Body<S, V>
        {
            Shape = Shape,
            Rows = Rows,
            Columns = Columns,
            X = X,
            Dy = Dy,
            Dots = dots,
            PaddedOuts = dots ? outs : (outs + S.Width - 1) / S.Width * S.Width,
        };
        body.SumFloats = (long)Shape.C * Rows.Taps * Columns.Taps * body.PaddedOuts;
        body.Cut(Shape.ForwardFlops < FlopsPerPiece ? 1 : Pool.Threads);

        long sums = body.SumFloats * body.ImageParts;
        float* shared = Pool.Shared(sums + ((long)body.BlockChannels * Rows.Taps * Columns.Taps));
        body.Sums = shared;
        body.Offsets = (int*)(shared + sums);
        body.Planes.WriteOffsets(body.BlockChannels, body.Offsets);
        body.Scratch = Pool.Scratch(body.ScratchFloats);
        Pool.ForPieces(body.Count, body.Count, ref body);

        var reduce = new ReduceBody
        {
            Sums = shared,
            SumFloats = body.SumFloats,
            Parts = body.ImageParts,
            Row = channels * Rows.Taps * Columns.Taps,
            Outs = outs,
            PaddedOuts = body.PaddedOuts,
            Dw = Dw,
            Accumulate = Accumulate,
        };
        Pool.For(Shape.K, (int)Math.Clamp(16 * 1024 / reduce.Row, 1, int.MaxValue), ref reduce);
    }

    // One index is a fixed part of the images, with a sum of its own, and a fixed part of the output channels.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Conv2dShape Shape;
        public CpuTapAxis Rows, Columns;
        public CpuConvPlanes Planes;
        public WorkerScratch Scratch;
        public float* X, Dy, Sums;
        public int* Offsets;
        public long SumFloats;
        public int ImageParts, BlockChannels, PaddedOuts;
        public bool Dots;
        private int _outParts, _strips;
        private long _planeFloats;

        public readonly int Count => ImageParts * _outParts;

        // The planes and dY turned.
        public readonly long ScratchFloats => _planeFloats + (Dots ? 0 : (long)PaddedOuts * Planes.StripRows * Columns.Out * Planes.Images);

        public void Cut(int threads)
        {
            int pixels = Rows.Out * Columns.Out, together = 1, channels = Shape.C / Shape.Groups;
            _outParts = SumFloats > CutSum ? Math.Clamp((PaddedOuts + (2 * S.Width) - 1) / (2 * S.Width), 1, threads) : 1;
            ImageParts = Math.Max(1, threads / _outParts);
            if (pixels < SmallImage || (SumFloats > LargeSum && pixels < GatheredPixels / 2))
            {
                together = Math.Clamp(GatheredPixels / pixels, 1, Math.Max(1, Shape.N / ImageParts));
            }

            ImageParts = Math.Min(ImageParts, (Shape.N + together - 1) / together);
            bool shareColumns = together == 1 && !Dots;
            int rowFloats = CpuConvPlanes.FloatsPerRow(Columns, shareColumns), stripRows = Rows.Out;
            if (together > 1)
            {
                BlockChannels = (int)Math.Clamp(PlaneBudget / ((long)rowFloats * Rows.Taps * Rows.Out * together), 1, channels);
            }
            else
            {
                BlockChannels = Math.Clamp(PlaneBudget / (rowFloats * (Rows.Taps + 1)), 1, channels);
                stripRows = Math.Clamp((PlaneBudget / (BlockChannels * rowFloats)) - Rows.Taps + 1, 1, Rows.Out);
            }

            _strips = (Rows.Out + stripRows - 1) / stripRows;
            Planes = new CpuConvPlanes(Rows, Columns, (Rows.Out + _strips - 1) / _strips, together, shareColumns);
            _planeFloats = (Planes.Floats(BlockChannels) + 15) & ~15L;
        }

        public readonly void Run(int begin, int end, int worker)
        {
            float* planes = Scratch.Of(worker), turned = planes + _planeFloats;
            int panels = (PaddedOuts + (2 * S.Width) - 1) / (2 * S.Width);
            for (int piece = begin; piece < end; piece++)
            {
                int part = piece / _outParts, outPart = piece % _outParts;
                int firstOut = outPart * panels / _outParts * 2 * S.Width, lastOut = Math.Min(PaddedOuts, (outPart + 1) * panels / _outParts * 2 * S.Width);
                float* sums = Sums + (part * SumFloats);
                for (long row = 0; row < SumFloats; row += PaddedOuts)
                {
                    new Span<float>(sums + row + firstOut, lastOut - firstOut).Clear();
                }

                int first = (int)((long)part * Shape.N / ImageParts), last = (int)((long)(part + 1) * Shape.N / ImageParts);
                for (int n = first; n < last; n += Planes.Images)
                {
                    for (int i = 0; i < Shape.Groups * _strips; i++)
                    {
                        int g = i / _strips, strip = i % _strips, y = strip * Rows.Out / _strips, rows = ((strip + 1) * Rows.Out / _strips) - y;
                        Strip(g, n, Math.Min(Planes.Images, last - n), y, rows, firstOut, lastOut, planes, turned, sums);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Strip(int g, int n, int images, int y, int rows, int firstOut, int lastOut, float* planes, float* turned, float* sums)
        {
            int channels = Shape.C / Shape.Groups, taps = Rows.Taps * Columns.Taps, pixels = images * rows * Columns.Out;
            if (!Dots)
            {
                Turn(g, n, images, y, rows, firstOut, lastOut, turned);
            }

            for (int c = 0; c < channels; c += BlockChannels)
            {
                int count = Math.Min(BlockChannels, channels - c);
                for (int i = 0; i < images; i++)
                {
                    Planes.Fill(X + ((((long)(n + i) * Shape.C) + (g * channels) + c) * Shape.H * Shape.W), count, y, rows, i, planes);
                }

                float* sum = sums + (((long)(g * channels) + c) * taps * PaddedOuts);
                if (Dots)
                {
                    DotProducts(g, n, images, y, rows, planes, count * taps, sum);
                    continue;
                }

                // Whole lines of the planes at a time; where they are as wide as the output, all of them are one.
                int width = Columns.Out, lines = Math.Max(1, DepthFloats / (2 * S.Width) / width);
                for (int q = 0; q < pixels; q += lines * width)
                {
                    int some = Math.Min(lines, (pixels - q) / width);
                    var walk = Planes.RowPitch == width ? new CpuRowTile.Walk(1, some * width, 0) : new CpuRowTile.Walk(some, width, Planes.RowPitch - width);
                    for (int k = firstOut; k < lastOut; k += 2 * S.Width)
                    {
                        bool two = k + S.Width < PaddedOuts;
                        float* b = turned + ((long)k * pixels) + (q * (two ? 2 : 1) * S.Width);
                        Taps(planes + (q / width * Planes.RowPitch), walk, b, two, count, sum + k);
                    }
                }
            }
        }

        // Some pixels and one panel of output channels, for all taps of a block of channels.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Taps(float* planes, CpuRowTile.Walk walk, float* b, bool two, int channels, float* sum)
        {
            const int Max = CpuRowTile.MaxRows;
            int taps = channels * Rows.Taps * Columns.Taps, half = taps / 2;
            if (two)
            {
                for (int t = 0; t < taps; t += Max)
                {
                    CpuRowTile.TwoRegisters<S, V>(Math.Min(Max, taps - t), walk, planes, Offsets + t, b, sum + ((long)t * PaddedOuts), PaddedOuts);
                }
            }
            else if (channels % 2 == 0 && S.Width == 16)
            {
                nint halfA = (nint)(channels / 2) * Planes.ChannelPitch, halfC = (nint)half * PaddedOuts;
                for (int t = 0; t < half; t += Max)
                {
                    CpuRowTile.TwoHalves<S, V>(Math.Min(Max, half - t), walk, planes, Offsets + t, halfA, b, sum + ((long)t * PaddedOuts), PaddedOuts, halfC);
                }
            }
            else
            {
                for (int t = 0; t < taps; t += Max)
                {
                    CpuRowTile.OneRegister<S, V>(Math.Min(Max, taps - t), walk, planes, Offsets + t, b, sum + ((long)t * PaddedOuts), PaddedOuts);
                }
            }
        }

        private readonly void DotProducts(int g, int n, int images, int y, int rows, float* planes, int taps, float* sum)
        {
            int inStrip = rows * Columns.Out, image = Rows.Out * Columns.Out;
            for (int i = 0; i < images; i++)
            {
                for (int k = 0; k < PaddedOuts; k++)
                {
                    float* dy = Dy + ((((((long)(n + i) * Shape.Groups) + g) * PaddedOuts) + k) * image) + (y * Columns.Out);
                    for (int t = 0; t < taps; t += CpuLine.MaxDots)
                    {
                        int some = Math.Min(CpuLine.MaxDots, taps - t);
                        CpuLine.Dots<S, V>(some, inStrip, planes + (i * inStrip), Offsets + t, dy, sum + ((long)t * PaddedOuts) + k, PaddedOuts);
                    }
                }
            }
        }

        // dY of a strip in panels of two registers (the last perhaps one): the channels of a pixel side by side.
        private readonly void Turn(int g, int n, int images, int y, int rows, int firstOut, int lastOut, float* turned)
        {
            int outs = Shape.K / Shape.Groups, inStrip = rows * Columns.Out, pixels = images * inStrip, image = Rows.Out * Columns.Out;
            for (int k = firstOut; k < lastOut; k += 2 * S.Width)
            {
                int width = Math.Min(2 * S.Width, PaddedOuts - k);
                for (int i = 0; i < images; i++)
                {
                    float* dy = Dy + ((((((long)(n + i) * Shape.Groups) + g) * outs) + k) * image) + (y * Columns.Out);
                    CpuPanels.Transpose(dy, image, Math.Min(width, outs - k), inStrip, turned + ((long)k * pixels) + (i * inStrip * width), width);
                }
            }
        }
    }

    // One index is one output channel: its row of dW is gathered from the sums of all parts, in their order.
    private struct ReduceBody : IParallelBody
    {
        public float* Sums, Dw;
        public long SumFloats;
        public int Parts, Row, Outs, PaddedOuts;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int k = begin; k < end; k++)
            {
                float* from = Sums + ((long)(k / Outs) * Row * PaddedOuts) + (k % Outs), to = Dw + ((long)k * Row);
                for (int i = 0; i < Row; i++, from += PaddedOuts)
                {
                    float sum = from[0];
                    for (int part = 1; part < Parts; part++)
                    {
                        sum += from[part * SumFloats];
                    }

                    to[i] = Accumulate ? to[i] + sum : sum;
                }
            }
        }
    }
}
