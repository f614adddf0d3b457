using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The 2-d convolution and its two gradients, each on its own: none needs that another was computed.</summary>
internal static unsafe class CpuConv2d
{
    /// <summary>y = x * w + bias, finished as asked.</summary>
    public static void Forward(CpuPool pool, CpuIsa isa, in Conv2dShape shape, float* x, float* w, float* bias, float* y, CpuFinishOperands* finish = null)
    {
        var s = shape;
        int p = s.P, q = s.Q;
        if (CpuDepthwise.Fits(s, isa))
        {
            CpuDepthwise.Forward(pool, isa, s, x, w, bias, y, finish);
            return;
        }

        if (CpuPatchConv.Fits(s) && finish == null)
        {
            CpuPatchConv.Forward(pool, isa, s, x, w, bias, y);
            return;
        }

        if (CpuImageLanesPass.Fits(s, isa))
        {
            var lanes = new CpuImageLanesPass { Pool = pool, Shape = s, Source = x, Weight = w, Bias = bias, Output = y, Finish = finish };
            isa.Run(ref lanes);
            return;
        }

        var all = new CpuConvPhase
        {
            Rows = CpuTapAxis.Forward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, p),
            Columns = CpuTapAxis.Forward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, q),
            Output = y,
            Weights = WeightsOf(s, w, backward: false) with { RowTapStep = 1, RowTaps = s.R, ColumnTapStep = 1, ColumnTaps = s.S },
        };
        var pass = new CpuConvPass
        {
            Pool = pool,
            Images = s.N,
            Source = x,
            SourceImage = (long)s.C * s.H * s.W,
            OutputImage = (long)s.K * p * q,
            OutputChannel = (nint)p * q,
            OutputRow = q,
            OutputColumn = 1,
            Bias = bias,
            Finish = finish,
            Phases = &all,
            PhaseCount = 1,
        };
        isa.Run(ref pass);
    }

    /// <summary>dx = the gradient of x, or dx += it.</summary>
    public static void BackwardInput(CpuPool pool, CpuIsa isa, in Conv2dShape shape, float* dy, float* w, float* dx, bool accumulate)
    {
        var s = shape;
        int p = s.P, q = s.Q;
        if (CpuDepthwise.Fits(s, isa))
        {
            CpuDepthwise.BackwardInput(pool, isa, s, dy, w, dx, accumulate);
            return;
        }

        if (CpuPatchConv.Fits(s))
        {
            CpuPatchConv.BackwardInput(pool, isa, s, dy, w, dx, accumulate);
            return;
        }

        if (CpuImageLanesPass.Fits(s, isa))
        {
            var lanes = new CpuImageLanesPass { Pool = pool, Shape = s, Backward = true, Source = dy, Weight = w, Output = dx, Accumulate = accumulate };
            isa.Run(ref lanes);
            return;
        }

        var pass = new CpuConvPass
        {
            Pool = pool,
            Images = s.N,
            Source = dy,
            SourceImage = (long)s.K * p * q,
            OutputImage = (long)s.C * s.H * s.W,
            OutputChannel = (nint)s.H * s.W,
            OutputRow = s.StrideH * s.W,
            OutputColumn = s.StrideW,
            Accumulate = accumulate,
        };

        // With a stride, pixels of dx with different remainders meet different taps. Some may meet none.
        if (!accumulate && SomeMeetNone(s))
        {
            var clear = new ClearBody { Target = dx, Count = s.InputCount };
            pool.For((int)(((s.InputCount - 1) / ClearBody.Block) + 1), 4, ref clear);
        }

        const int MaxPhases = 16;
        var phases = stackalloc CpuConvPhase[MaxPhases];
        for (int h = 0; h < Math.Min(s.StrideH, s.H); h++)
        {
            var rows = CpuTapAxis.Backward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, p, h, out int rowTap, out int rowTapStep);
            for (int v = 0; v < Math.Min(s.StrideW, s.W); v++)
            {
                var columns = CpuTapAxis.Backward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, q, v, out int columnTap, out int columnTapStep);
                if (rows.Taps == 0 || columns.Taps == 0)
                {
                    continue;
                }

                phases[pass.PhaseCount++] = new CpuConvPhase
                {
                    Rows = rows,
                    Columns = columns,
                    Output = dx + (h * s.W) + v,
                    Weights = WeightsOf(s, w, backward: true) with
                    {
                        RowTap = rowTap,
                        RowTapStep = rowTapStep,
                        RowTaps = rows.Taps,
                        ColumnTap = columnTap,
                        ColumnTapStep = columnTapStep,
                        ColumnTaps = columns.Taps,
                    },
                };
                if (pass.PhaseCount == MaxPhases)
                {
                    pass.Phases = phases;
                    isa.Run(ref pass);
                    pass.PhaseCount = 0;
                }
            }
        }

        if (pass.PhaseCount > 0)
        {
            pass.Phases = phases;
            isa.Run(ref pass);
        }
    }

    /// <summary>dw = the gradient of w, or dw += it.</summary>
    public static void BackwardWeight(CpuPool pool, CpuIsa isa, in Conv2dShape shape, float* x, float* dy, float* dw, bool accumulate)
    {
        var s = shape;
        if (CpuDepthwise.Fits(s, isa))
        {
            CpuDepthwise.BackwardWeight(pool, isa, s, x, dy, dw, accumulate);
            return;
        }

        if (CpuPatchConv.Fits(s))
        {
            CpuPatchConv.BackwardWeight(pool, isa, s, x, dy, dw, accumulate);
            return;
        }

        if (CpuSmallWeightGradient.Fits(s))
        {
            var small = new CpuSmallWeightGradient { Pool = pool, Shape = s, X = x, Dy = dy, Dw = dw, Accumulate = accumulate };
            isa.Run(ref small);
            return;
        }

        var gradient = new CpuConvWeightGradient
        {
            Pool = pool,
            Shape = s,
            Rows = CpuTapAxis.Forward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, s.P),
            Columns = CpuTapAxis.Forward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, s.Q),
            X = x,
            Dy = dy,
            Dw = dw,
            Accumulate = accumulate,
        };
        isa.Run(ref gradient);
    }

    private static bool SomeMeetNone(in Conv2dShape s)
    {
        for (int h = 0; h < Math.Min(s.StrideH, s.H); h++)
        {
            if (CpuTapAxis.Backward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, s.P, h, out _, out _).Taps == 0)
            {
                return true;
            }
        }

        for (int v = 0; v < Math.Min(s.StrideW, s.W); v++)
        {
            if (CpuTapAxis.Backward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, s.Q, v, out _, out _).Taps == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static CpuConvWeights WeightsOf(in Conv2dShape s, float* w, bool backward) =>
        new() { W = w, R = s.R, S = s.S, K = s.K / s.Groups, C = s.C / s.Groups, Groups = s.Groups, Backward = backward };

    // One index is a block of the target.
    private struct ClearBody : IParallelBody
    {
        public const int Block = 16 * 1024;

        public float* Target;
        public long Count;

        public readonly void Run(int begin, int end, int worker)
        {
            long from = (long)begin * Block;
            NativeMemory.Clear(Target + from, (nuint)(Math.Min(Count, (long)end * Block) - from) * sizeof(float));
        }
    }
}
