namespace SmartFrz.Kernels.Cpu;

/// <summary>Depthwise convolutions, whose every channel has one filter of its own, and their gradients.</summary>
internal static unsafe class CpuDepthwise
{
    // Phases of an input gradient, one for each remainder of the stride.
    private const int MaxPhases = 64;

    /// <summary>Whether a convolution is one of these. With a few channels most lanes would be empty.</summary>
    public static bool Fits(in Conv2dShape s, CpuIsa isa) =>
        s.Groups == s.C && s.K == s.C && s.C >= isa.Width() / 2 && Math.Min(s.StrideH, s.H) * Math.Min(s.StrideW, s.W) <= MaxPhases;

    /// <summary>y = x * w + bias, finished as asked.</summary>
    public static void Forward(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* x, float* w, float* bias, float* y, CpuFinishOperands* finish)
    {
        var all = new CpuDepthwisePhase
        {
            Rows = CpuTapAxis.Forward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, s.P),
            Columns = CpuTapAxis.Forward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, s.Q),
            RowTapStep = 1,
            ColumnTapStep = 1,
        };
        var pass = new CpuDepthwisePass
        {
            Pool = pool,
            Images = s.N,
            Channels = s.C,
            Source = x,
            SourceRows = s.H,
            SourceColumns = s.W,
            Output = y,
            OutputRows = s.P,
            OutputColumns = s.Q,
            OutStrideH = 1,
            OutStrideW = 1,
            Weight = w,
            R = s.R,
            S = s.S,
            Bias = bias,
            Finish = finish,
            Phases = &all,
            PhaseCount = 1,
        };
        isa.Run(ref pass);
    }

    /// <summary>dx = the gradient of x, or dx += it.</summary>
    public static void BackwardInput(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* dy, float* w, float* dx, bool accumulate)
    {
        var phases = stackalloc CpuDepthwisePhase[MaxPhases];
        var pass = new CpuDepthwisePass
        {
            Pool = pool,
            Images = s.N,
            Channels = s.C,
            Source = dy,
            SourceRows = s.P,
            SourceColumns = s.Q,
            Output = dx,
            OutputRows = s.H,
            OutputColumns = s.W,
            OutStrideH = s.StrideH,
            OutStrideW = s.StrideW,
            Weight = w,
            R = s.R,
            S = s.S,
            Accumulate = accumulate,
            Phases = phases,
        };
        for (int h = 0; h < Math.Min(s.StrideH, s.H); h++)
        {
            var rows = CpuTapAxis.Backward(s.R, s.StrideH, s.PadH, s.DilationH, s.H, s.P, h, out int rowTap, out int rowTapStep);
            for (int v = 0; v < Math.Min(s.StrideW, s.W); v++)
            {
                phases[pass.PhaseCount++] = new CpuDepthwisePhase
                {
                    Rows = rows,
                    Columns = CpuTapAxis.Backward(s.S, s.StrideW, s.PadW, s.DilationW, s.W, s.Q, v, out int columnTap, out int columnTapStep),
                    RowTap = rowTap,
                    RowTapStep = rowTapStep,
                    ColumnTap = columnTap,
                    ColumnTapStep = columnTapStep,
                    OutRow = h,
                    OutColumn = v,
                };
            }
        }

        isa.Run(ref pass);
    }

    /// <summary>dw = the gradient of w, or dw += it.</summary>
    public static void BackwardWeight(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* x, float* dy, float* dw, bool accumulate)
    {
        var gradient = new CpuDepthwiseWeightGradient
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
}
