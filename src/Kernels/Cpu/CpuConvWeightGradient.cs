using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// dW[k, c, r, s] = sum over images and pixels of dY[k, pixel] * X[c, the pixel that tap (r, s) sees]. The gradient is built
/// transposed, (c, r, s) by k: a row is a plane of X (<see cref="CpuConvPlanes"/>) read number by number, the columns are dY turned so
/// that the channels of a pixel lie side by side. Each piece has a fixed part of the images and a sum of its own; the
/// sums are added in the order of the pieces.
/// </summary>
internal unsafe struct CpuConvWeightGradient : ISimdAction
{
    private const int PlaneBudget = 64 * 1024;

    // Pixels at a time: two registers of dY for each stay in the first-level cache while the taps pass by.
    private const int DepthFloats = 4096;

    private const int GatheredPixels = 128, SmallImage = 48;

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
        int pixels = Rows.Out * Columns.Out, channels = Shape.C / Shape.Groups, outs = Shape.K / Shape.Groups;
        int together = pixels < SmallImage ? Math.Clamp(GatheredPixels / pixels, 1, Math.Max(1, Shape.N / Pool.Threads)) : 1;
        int pieces = Math.Min(Pool.Threads, (Shape.N + together - 1) / together);
        int paddedOuts = (outs + S.Width - 1) / S.Width * S.Width;
        bool shareColumns = together == 1;
        int floatsPerRow = CpuConvPlanes.FloatsPerRow(Columns, shareColumns);
        int blockChannels = Math.Clamp(PlaneBudget / (floatsPerRow * (Rows.Taps + 1)), 1, channels);
        int stripRows = Math.Clamp((PlaneBudget / (blockChannels * floatsPerRow)) - Rows.Taps + 1, 1, Rows.Out);
        int strips = together > 1 ? 1 : (Rows.Out + stripRows - 1) / stripRows;
        stripRows = (Rows.Out + strips - 1) / strips;

        var body = new Body<S, V>
        {
            Shape = Shape,
            Rows = Rows,
            Columns = Columns,
            X = X,
            Dy = Dy,
            Strips = strips,
            BlockChannels = blockChannels,
            PaddedOuts = paddedOuts,
            Planes = new CpuConvPlanes(Rows, Columns, stripRows, together, shareColumns),
            SumFloats = (long)Shape.C * Rows.Taps * Columns.Taps * paddedOuts,
        };
        int taps = blockChannels * Rows.Taps * Columns.Taps;
        float* shared = Pool.Shared((body.SumFloats * pieces) + taps);
        body.Sums = shared;
        body.Offsets = (int*)(shared + (body.SumFloats * pieces));
        body.Planes.WriteOffsets(blockChannels, body.Offsets);
        body.PlaneFloats = (body.Planes.Floats(blockChannels) + 15) & ~15L;
        body.Scratch = Pool.Scratch(body.PlaneFloats + ((long)paddedOuts * stripRows * Columns.Out * together));
        body.Pieces = pieces;
        Pool.ForPieces(pieces, pieces, ref body);

        var reduce = new ReduceBody { Sums = shared, SumFloats = body.SumFloats, Pieces = pieces, Row = channels * Rows.Taps * Columns.Taps, Outs = outs, PaddedOuts = paddedOuts, Dw = Dw, Accumulate = Accumulate };
        Pool.For(Shape.K, (int)Math.Clamp(16 * 1024 / reduce.Row, 1, int.MaxValue), ref reduce);
    }

    // One index is a fixed part of the images, with a sum of its own.
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
        public long SumFloats, PlaneFloats;
        public int Pieces, Strips, BlockChannels, PaddedOuts;

        public readonly void Run(int begin, int end, int worker)
        {
            float* planes = Scratch.Of(worker), turned = planes + PlaneFloats;
            for (int piece = begin; piece < end; piece++)
            {
                float* sums = Sums + (piece * SumFloats);
                NativeMemory.Clear(sums, (nuint)SumFloats * sizeof(float));
                int first = (int)((long)piece * Shape.N / Pieces), last = (int)((long)(piece + 1) * Shape.N / Pieces);
                for (int n = first; n < last; n += Planes.Images)
                {
                    int images = Math.Min(Planes.Images, last - n);
                    for (int g = 0; g < Shape.Groups; g++)
                    {
                        for (int strip = 0; strip < Strips; strip++)
                        {
                            int y = strip * Rows.Out / Strips, rows = ((strip + 1) * Rows.Out / Strips) - y;
                            Strip(g, n, images, y, rows, planes, turned, sums);
                        }
                    }
                }
            }
        }

        private readonly void Strip(int g, int n, int images, int y, int rows, float* planes, float* turned, float* sums)
        {
            int channels = Shape.C / Shape.Groups, taps = Rows.Taps * Columns.Taps, pixels = images * rows * Columns.Out;
            Turn(g, n, images, y, rows, turned);
            for (int c = 0; c < channels; c += BlockChannels)
            {
                int count = Math.Min(BlockChannels, channels - c);
                for (int i = 0; i < images; i++)
                {
                    Planes.Fill(X + ((((long)(n + i) * Shape.C) + (g * channels) + c) * Shape.H * Shape.W), count, y, rows, i, planes);
                }

                float* sum = sums + (((long)(g * channels) + c) * taps * PaddedOuts);

                // Whole lines of the planes at a time; where they are as wide as the output, all of them are one.
                int width = Columns.Out, lines = Math.Max(1, DepthFloats / (2 * S.Width) / width);
                for (int q = 0; q < pixels; q += lines * width)
                {
                    int some = Math.Min(lines, (pixels - q) / width);
                    var walk = Planes.RowPitch == width ? new CpuRowTile.Walk(1, some * width, 0) : new CpuRowTile.Walk(some, width, Planes.RowPitch - width);
                    Taps(planes + (q / width * Planes.RowPitch), walk, turned, q, pixels, count, sum);
                }
            }
        }

        // Some pixels, for all taps of a block of channels and all output channels.
        private readonly void Taps(float* planes, CpuRowTile.Walk walk, float* turned, int q, int pixels, int channels, float* sum)
        {
            const int Max = CpuRowTile.MaxRows;
            int taps = channels * Rows.Taps * Columns.Taps, half = taps / 2;
            for (int k = 0; k < PaddedOuts; k += 2 * S.Width)
            {
                bool two = k + S.Width < PaddedOuts;
                float* b = turned + ((long)k * pixels) + (q * (two ? 2 : 1) * S.Width), c = sum + k;
                if (two)
                {
                    for (int t = 0; t < taps; t += Max)
                    {
                        CpuRowTile.TwoRegisters<S, V>(Math.Min(Max, taps - t), walk, planes, Offsets + t, b, c + ((long)t * PaddedOuts), PaddedOuts);
                    }
                }
                else if (channels % 2 == 0 && S.Width == 16)
                {
                    nint halfA = (nint)(channels / 2) * Planes.ChannelPitch;
                    for (int t = 0; t < half; t += Max)
                    {
                        CpuRowTile.TwoHalves<S, V>(
                            Math.Min(Max, half - t), walk, planes, Offsets + t, halfA, b, c + ((long)t * PaddedOuts), PaddedOuts, (nint)half * PaddedOuts);
                    }
                }
                else
                {
                    for (int t = 0; t < taps; t += Max)
                    {
                        CpuRowTile.OneRegister<S, V>(Math.Min(Max, taps - t), walk, planes, Offsets + t, b, c + ((long)t * PaddedOuts), PaddedOuts);
                    }
                }
            }
        }

        // dY of a strip in panels of two registers (the last perhaps one): the channels of a pixel side by side.
        private readonly void Turn(int g, int n, int images, int y, int rows, float* turned)
        {
            int outs = Shape.K / Shape.Groups, inStrip = rows * Columns.Out, pixels = images * inStrip, image = Rows.Out * Columns.Out;
            for (int k = 0; k < PaddedOuts; k += 2 * S.Width)
            {
                int width = Math.Min(2 * S.Width, PaddedOuts - k);
                for (int i = 0; i < images; i++)
                {
                    float* dy = Dy + (((((long)(n + i) * Shape.Groups) + g) * outs) + k) * image + (y * Columns.Out);
                    CpuPanels.Transpose(dy, image, Math.Min(width, outs - k), inStrip, turned + ((long)k * pixels) + (i * inStrip * width), width);
                }
            }
        }
    }

    // One index is one output channel: its row of dW is gathered from the sums of all pieces, in their order.
    private struct ReduceBody : IParallelBody
    {
        public float* Sums, Dw;
        public long SumFloats;
        public int Pieces, Row, Outs, PaddedOuts;
        public bool Accumulate;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int k = begin; k < end; k++)
            {
                float* from = Sums + ((long)(k / Outs) * Row * PaddedOuts) + (k % Outs), to = Dw + ((long)k * Row);
                for (int i = 0; i < Row; i++, from += PaddedOuts)
                {
                    float sum = from[0];
                    for (int piece = 1; piece < Pieces; piece++)
                    {
                        sum += from[piece * SumFloats];
                    }

                    to[i] = Accumulate ? to[i] + sum : sum;
                }
            }
        }
    }
}
