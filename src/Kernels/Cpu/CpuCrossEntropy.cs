using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU bodies of the cross-entropy kernels: threads over rows, vectors over classes.</summary>
internal static unsafe class CpuCrossEntropy
{
    // Floats of a row that is asked for while the row before it is worked on: a few of them fit into a first-level cache.
    private const int PrefetchElements = 2048;

    public static void Forward(CpuContext cpu, CrossEntropyShape shape, float* logits, byte* targets, float* losses, float* logSums)
    {
        var pass = new ForwardPass { Pool = cpu.Pool, Shape = shape, Logits = logits, Targets = targets, Losses = losses, LogSums = logSums };
        cpu.Isa.Run(ref pass);
    }

    public static void Backward(
        CpuContext cpu, CrossEntropyShape shape, float* dy, float* logits, byte* targets, float* logSums, float* dx, bool accumulate)
    {
        var pass = new BackwardPass
        {
            Pool = cpu.Pool,
            Shape = shape,
            Scale = *dy / shape.Rows,
            Logits = logits,
            Targets = targets,
            LogSums = logSums,
            Dx = dx,
            Accumulate = accumulate,
        };
        cpu.Isa.Run(ref pass);
    }

    /// <summary>Rows whose largest logit, the first of equals, is the target's.</summary>
    public static int Correct(float* logits, byte* targets, DType type, int rows, int classes)
    {
        int correct = 0;
        for (int n = 0; n < rows; n++, logits += classes)
        {
            int best = 0;
            for (int c = 1; c < classes; c++)
            {
                best = logits[c] > logits[best] ? c : best;
            }

            correct += best == Target(targets, type, n, classes) ? 1 : 0;
        }

        return correct;
    }

    // -1 when it is none of the classes: nothing is read there.
    private static int Target(byte* targets, DType type, int row, int classes)
    {
        long t = type == DType.I64 ? ((long*)targets)[row] : ((int*)targets)[row];
        return t >= 0 && t < classes ? (int)t : -1;
    }

    private static int Grain(CrossEntropyShape shape) => Math.Max(1, CpuSoftmax.ElementsPerPiece / shape.Classes);

    private struct ForwardPass : ISimdAction
    {
        public CpuPool Pool;
        public CrossEntropyShape Shape;
        public float* Logits, Losses, LogSums;
        public byte* Targets;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new ForwardBody<S, V> { Shape = Shape, Logits = Logits, Targets = Targets, Losses = Losses, LogSums = LogSums };
            Pool.For(Shape.Rows, Grain(Shape), ref body);
        }
    }

    private struct BackwardPass : ISimdAction
    {
        public CpuPool Pool;
        public CrossEntropyShape Shape;
        public float Scale;
        public float* Logits, LogSums, Dx;
        public byte* Targets;
        public bool Accumulate;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new BackwardBody<S, V>
            {
                Shape = Shape,
                Scale = Scale,
                Logits = Logits,
                Targets = Targets,
                LogSums = LogSums,
                Dx = Dx,
                Accumulate = Accumulate,
            };
            Pool.For(Shape.Rows, Grain(Shape), ref body);
        }
    }

    private struct ForwardBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public CrossEntropyShape Shape;
        public float* Logits, Losses, LogSums;
        public byte* Targets;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int classes = Shape.Classes;
            for (int n = begin; n < end; n++)
            {
                float* x = Logits + ((long)n * classes);
                CpuPanels.Prefetch(x + classes, Math.Min(classes, PrefetchElements));
                double log = Math.Log(1 + Rest(x, out float largest));
                LogSums[n] = (float)(largest + log);
                int t = Target(Targets, Shape.TargetType, n, classes);
                double smoothing = Shape.Smoothing, loss = double.NaN;
                if (t >= 0)
                {
                    loss = log + ((1 - smoothing) * ((double)largest - x[t]));
                    loss += smoothing == 0 ? 0 : smoothing * (largest - (CpuRow.Sum<S, V>(x, classes) / classes));
                }

                Losses[n] = (float)loss;
            }
        }

        // The sum of e^(x - largest) without one of the largest, which is 1.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly double Rest(float* x, out float largest)
        {
            // A piece is read twice, the second time from the first-level cache; at most 128 numbers are added in one lane.
            const int PieceElements = 4096;
            largest = float.NegativeInfinity;
            double smaller = 0;
            int equals = 0;
            for (int from = 0; from < Shape.Classes; from += PieceElements)
            {
                int count = Math.Min(PieceElements, Shape.Classes - from);
                float top = CpuRow.Max<S, V>(x + from, count);
                if (top > largest)
                {
                    // What was largest so far is among the smaller ones now.
                    smaller = (smaller + equals) * Math.Exp((double)largest - top);
                    equals = 0;
                    largest = top;
                }

                // NaN is neither, and makes the sum NaN.
                bool holdsLargest = top == largest;
                smaller += holdsLargest ? SmallerOf(x + from, count, largest) : CpuRow.SumExp<S, V>(x + from, null, count, largest);
                equals += holdsLargest ? Equals(x + from, count, largest) : 0;
            }

            return smaller + (equals - 1);
        }

        // The sum of e^(x - largest) of those that are smaller.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double SmallerOf(float* x, int count, float largest)
        {
            V m = S.Set(largest), s0 = S.Zero, s1 = S.Zero;
            int i = 0;
            for (; i + (2 * S.Width) <= count; i += 2 * S.Width)
            {
                s0 = S.Add(s0, Smaller(S.Load(x + i), m));
                s1 = S.Add(s1, Smaller(S.Load(x + i + S.Width), m));
            }

            for (; i < count; i += S.Width)
            {
                s0 = S.Add(s0, Smaller(SimdPart.Load<S, V>(x + i, Math.Min(S.Width, count - i), float.NegativeInfinity), m));
            }

            return S.Sum(S.Add(s0, s1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Smaller(V x, V largest) => S.And(S.Greater(largest, x), SimdMath.ExpOfDifference<S, V>(S.Sub(x, largest)));

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static int Equals(float* x, int count, float largest)
        {
            V m = S.Set(largest), one = S.Set(1f), same = S.Zero;
            int i = 0;
            for (; i + S.Width <= count; i += S.Width)
            {
                same = S.Add(same, S.And(S.Equal(m, S.Load(x + i)), one));
            }

            int equals = (int)S.Sum(same);
            for (; i < count; i++)
            {
                equals += x[i] == largest ? 1 : 0;
            }

            return equals;
        }
    }

    private struct BackwardBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public CrossEntropyShape Shape;
        public float Scale;
        public float* Logits, LogSums, Dx;
        public byte* Targets;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int classes = Shape.Classes;
            V scale = S.Set(Scale), share = S.Set(Shape.Smoothing / classes);
            for (int n = begin; n < end; n++)
            {
                float* x = Logits + ((long)n * classes), dx = Dx + ((long)n * classes);
                V log = S.Set(LogSums[n]);
                int i = 0;
                for (; i + S.Width <= classes; i += S.Width)
                {
                    V g = S.Mul(scale, S.Sub(SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(x + i), log)), share));
                    S.Store(dx + i, Accumulate ? S.Add(S.Load(dx + i), g) : g);
                }

                if (i < classes)
                {
                    int rest = classes - i;
                    V g = S.Mul(scale, S.Sub(SimdMath.ExpOfDifference<S, V>(S.Sub(SimdPart.Load<S, V>(x + i, rest, 0f), log)), share));
                    if (Accumulate)
                    {
                        SimdPart.Add<S, V>(dx + i, rest, g);
                    }
                    else
                    {
                        SimdPart.Store<S, V>(dx + i, rest, g);
                    }
                }

                int t = Target(Targets, Shape.TargetType, n, classes);
                if (t >= 0)
                {
                    dx[t] -= Scale * (1f - Shape.Smoothing);
                }
            }
        }
    }
}
