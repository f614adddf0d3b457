using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests.Cpu;

/// <summary>One convolution with random operands and its three results by plain loops in double precision.</summary>
internal sealed unsafe class ConvCase : IDisposable
{
    private readonly Conv2dShape _shape;
    private readonly NativeFloats _x, _w, _dy, _bias;
    private readonly (double[] Sum, double[] Magnitude) _y, _dx, _dw;

    public ConvCase(Conv2dShape shape, bool exact = true)
    {
        _shape = shape;
        var random = new System.Random(shape.GetHashCode() & 0xFFFF);
        _x = NativeFloats.Uniform(shape.InputCount, random);
        _w = NativeFloats.Uniform(shape.WeightCount, random);
        _dy = NativeFloats.Uniform(shape.OutputCount, random);
        _bias = NativeFloats.Uniform(shape.K, random);
        _y = (new double[_dy.Count], new double[_dy.Count]);
        _dx = (new double[_x.Count], new double[_x.Count]);
        _dw = (new double[_w.Count], new double[_w.Count]);
        if (exact)
        {
            Compute();
        }
    }

    /// <summary>All three kernels, with and without what they may be told to add.</summary>
    public void Check(CpuPool pool, CpuIsa isa)
    {
        var s = _shape;
        long channels = s.C / s.Groups, outs = s.K / s.Groups;
        string what = $"{isa} {pool.Threads} threads {s}";

        using var y = new NativeFloats(s.OutputCount);
        CpuConv2d.Forward(pool, isa, s, _x.Pointer, _w.Pointer, null, y.Pointer);
        Close(_y, 0, null, channels * s.R * s.S, y, $"forward {what}");
        CpuConv2d.Forward(pool, isa, s, _x.Pointer, _w.Pointer, _bias.Pointer, y.Pointer);
        Close(_y, 0, _bias, channels * s.R * s.S, y, $"forward with bias {what}");

        using var dx = new NativeFloats(s.InputCount);
        CpuConv2d.BackwardInput(pool, isa, s, _dy.Pointer, _w.Pointer, dx.Pointer, accumulate: false);
        Close(_dx, 0, null, outs * s.R * s.S, dx, $"backward input {what}");
        dx.Span.Fill(3f);
        CpuConv2d.BackwardInput(pool, isa, s, _dy.Pointer, _w.Pointer, dx.Pointer, accumulate: true);
        Close(_dx, 3, null, outs * s.R * s.S, dx, $"backward input, adding {what}");

        using var dw = new NativeFloats(s.WeightCount);
        CpuConv2d.BackwardWeight(pool, isa, s, _x.Pointer, _dy.Pointer, dw.Pointer, accumulate: false);
        Close(_dw, 0, null, (long)s.N * s.P * s.Q, dw, $"backward weight {what}");
        dw.Span.Fill(3f);
        CpuConv2d.BackwardWeight(pool, isa, s, _x.Pointer, _dy.Pointer, dw.Pointer, accumulate: true);
        Close(_dw, 3, null, (long)s.N * s.P * s.Q, dw, $"backward weight, adding {what}");
    }

    /// <summary>The three results, one behind the other.</summary>
    public float[] Bits(CpuPool pool, CpuIsa isa)
    {
        using var y = new NativeFloats(_shape.OutputCount);
        using var dx = new NativeFloats(_shape.InputCount);
        using var dw = new NativeFloats(_shape.WeightCount);
        CpuConv2d.Forward(pool, isa, _shape, _x.Pointer, _w.Pointer, _bias.Pointer, y.Pointer);
        CpuConv2d.BackwardInput(pool, isa, _shape, _dy.Pointer, _w.Pointer, dx.Pointer, accumulate: false);
        CpuConv2d.BackwardWeight(pool, isa, _shape, _x.Pointer, _dy.Pointer, dw.Pointer, accumulate: false);
        return [.. y.Span, .. dx.Span, .. dw.Span];
    }

    public void Dispose()
    {
        _x.Dispose();
        _w.Dispose();
        _dy.Dispose();
        _bias.Dispose();
    }

    private void Close((double[] Sum, double[] Magnitude) exact, float before, NativeFloats? bias, long terms, NativeFloats actual, string what)
    {
        var sum = new double[actual.Count];
        var magnitude = new double[actual.Count];
        for (int i = 0; i < actual.Count; i++)
        {
            double more = bias is null ? before : bias.Span[i / (_shape.P * _shape.Q) % _shape.K];
            sum[i] = exact.Sum[i] + more;
            magnitude[i] = exact.Magnitude[i] + Math.Abs(more);
        }

        CpuTestSettings.AssertClose(sum, magnitude, terms, actual.Span, what);
        actual.AssertGuards();
    }

    private void Compute()
    {
        var t = _shape;
        int channels = t.C / t.Groups, outs = t.K / t.Groups, height = t.P, width = t.Q;
        for (int n = 0; n < t.N; n++)
        {
            for (int k = 0; k < t.K; k++)
            {
                for (int p = 0; p < height; p++)
                {
                    for (int q = 0; q < width; q++)
                    {
                        int y = (((((n * t.K) + k) * height) + p) * width) + q;
                        for (int c = 0; c < channels; c++)
                        {
                            for (int r = 0; r < t.R; r++)
                            {
                                for (int s = 0; s < t.S; s++)
                                {
                                    int i = (p * t.StrideH) - t.PadH + (r * t.DilationH), j = (q * t.StrideW) - t.PadW + (s * t.DilationW);
                                    if (i >= 0 && i < t.H && j >= 0 && j < t.W)
                                    {
                                        int x = (((((n * t.C) + (k / outs * channels) + c) * t.H) + i) * t.W) + j;
                                        int w = (((((k * channels) + c) * t.R) + r) * t.S) + s;
                                        Add(_y, y, _x.Pointer[x], _w.Pointer[w]);
                                        Add(_dx, x, _dy.Pointer[y], _w.Pointer[w]);
                                        Add(_dw, w, _dy.Pointer[y], _x.Pointer[x]);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private static void Add((double[] Sum, double[] Magnitude) to, int i, double a, double b)
    {
        to.Sum[i] += a * b;
        to.Magnitude[i] += Math.Abs(a * b);
    }
}
