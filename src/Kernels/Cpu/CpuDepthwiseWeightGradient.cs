using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// dW[c, r, s] = sum over images and pixels of dY[c, pixel] * X[c, the pixel that tap (r, s) sees], channels in the lanes. Each strip is
/// summed by itself, then added to the sums of its piece; the sums of pieces are added in their order.
/// </summary>
internal unsafe struct CpuDepthwiseWeightGradient : ISimdAction
{
    // As for the forward pass.
    private const int PlaneBudget = 64 * 1024;

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
        int width = S.Width, blocks = (Shape.C + width - 1) / width, taps = Rows.Taps * Columns.Taps;
        var low = CpuDepthwisePhase.Reach(Rows);
        var body = new Body<S, V>
        {
            Shape = Shape,
            Taps = taps,
            Blocks = blocks,
            LowRow = low.Low,
            RowReach = low.High - low.Low + 1,

            // A piece is a register of channels and a part of the images: a few for each thread.
            Parts = Math.Clamp(((2 * Pool.Threads) + blocks - 1) / blocks, 1, Pool.Threads == 1 ? 1 : Shape.N),
            X = X,
            Dy = Dy,
        };
        body.Cut(Columns);
        long sums = (long)body.Parts * blocks * taps * width;
        body.Sums = Pool.Shared(sums + taps);
        body.Offsets = (int*)(body.Sums + sums);
        var all = new CpuDepthwisePhase { Rows = Rows, Columns = Columns, Offsets = body.Offsets };
        all.WriteOffsets(body.LowRow, body.Source.FirstColumn, body.Source.Columns, width);
        body.Scratch = Pool.Scratch(body.ScratchFloats);
        Pool.ForPieces(body.Count, body.Count, ref body);
        for (int c = 0; c < Shape.C; c++)
        {
            for (int t = 0; t < taps; t++)
            {
                float* from = body.Sums + (((((long)c / width) * taps) + t) * width) + (c % width);
                float sum = *from;
                for (int part = 1; part < body.Parts; part++)
                {
                    sum += from[(long)part * blocks * taps * width];
                }

                float* to = Dw + ((long)c * taps) + t;
                *to = Accumulate ? *to + sum : sum;
            }
        }
    }

    // One index is a register of channels and a fixed part of the images, with sums of its own.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Conv2dShape Shape;
        public WorkerScratch Scratch;
        public float* X, Dy, Sums;
        public int* Offsets;
        public int Taps, Blocks, Parts, LowRow, RowReach;
        public CpuLanePlane Source, Gradient;
        private int _stripRows;

        public readonly int Count => Blocks * Parts;

        public readonly long ScratchFloats => SourceFloats + Gradient.Floats(_stripRows, S.Width);

        private readonly long SourceFloats => Source.Floats(SourceRowsOf(_stripRows), S.Width);

        public void Cut(in CpuTapAxis columns)
        {
            var reach = CpuDepthwisePhase.Reach(columns);
            Source = new CpuLanePlane(reach.Low, ((columns.Out - 1) * columns.Stride) + reach.High - reach.Low + 1, Shape.H, Shape.W);
            Gradient = new CpuLanePlane(0, Shape.Q, Shape.P, Shape.Q);
            _stripRows = Math.Clamp(PlaneBudget / (((Source.Columns * Shape.StrideH) + Gradient.Columns) * S.Width), 1, Shape.P);
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            float* source = Scratch.Of(worker), dy = source + SourceFloats;
            for (int piece = begin; piece < end; piece++)
            {
                int block = piece % Blocks, part = piece / Blocks;
                int channel = block * S.Width, channels = Math.Min(S.Width, Shape.C - channel);
                float* sums = Sums + ((long)piece * Taps * S.Width);
                NativeMemory.Clear(sums, (nuint)(Taps * S.Width) * sizeof(float));
                int first = (int)((long)part * Shape.N / Parts), last = (int)((long)(part + 1) * Shape.N / Parts);
                for (int n = first; n < last; n++)
                {
                    long plane = ((long)n * Shape.C) + channel;
                    for (int y = 0; y < Shape.P; y += _stripRows)
                    {
                        int rows = Math.Min(_stripRows, Shape.P - y);
                        Source.Fill<S, V>(X + (plane * Shape.H * Shape.W), channels, (y * Shape.StrideH) + LowRow, SourceRowsOf(rows), source);
                        Gradient.Fill<S, V>(Dy + (plane * Shape.P * Shape.Q), channels, y, rows, dy);
                        for (int t = 0; t < Taps; t += CpuDepthwiseTile.MaxTaps)
                        {
                            CpuDepthwiseTile.Gradient<S, V>(
                                Math.Min(CpuDepthwiseTile.MaxTaps, Taps - t),
                                rows,
                                Shape.Q,
                                source,
                                Shape.StrideW * S.Width,
                                (nint)Shape.StrideH * Source.Columns * S.Width,
                                Offsets + t,
                                dy,
                                sums + (t * S.Width));
                        }
                    }
                }
            }
        }

        private readonly int SourceRowsOf(int rows) => ((rows - 1) * Shape.StrideH) + RowReach;
    }
}
