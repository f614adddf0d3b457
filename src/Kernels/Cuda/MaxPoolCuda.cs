using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="MaxPoolKernel"/> and <see cref="MaxPoolGradKernel"/>.</summary>
internal static class MaxPoolCuda
{
    public readonly struct Sizes(MaxPoolShape shape)
    {
        public readonly long InputCount = shape.InputCount, OutputCount = shape.OutputCount;
        public readonly int H = shape.H, W = shape.W, P = shape.P, Q = shape.Q;
        public readonly int Kernel = shape.Kernel, Stride = shape.Stride, Padding = shape.Padding;
    }

    public struct Args
    {
        public ArrayView<float> X, Y;
        public ArrayView<int> Taps;
        public Sizes Shape;
        public int HasTaps;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Dx;
        public ArrayView<int> Taps;
        public Sizes Shape;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th output.
    [CudaKernel]
    public static void Forward(Args a)
    {
        var s = a.Shape;
        for (long o = Grid.GlobalIndex.X; o < s.OutputCount; o += Grid.DimX * Group.DimX)
        {
            long row = o / s.Q, plane = row / s.P;
            int top = ((int)(row - (plane * s.P)) * s.Stride) - s.Padding;
            int left = ((int)(o - (row * s.Q)) * s.Stride) - s.Padding;
            float best = float.NegativeInfinity;
            int tap = 0;
            for (int r = 0; r < s.Kernel; r++)
            {
                int h = top + r;
                for (int c = 0; c < s.Kernel; c++)
                {
                    int w = left + c;
                    if (h >= 0 && h < s.H && w >= 0 && w < s.W)
                    {
                        float v = a.X[(((plane * s.H) + h) * s.W) + w];
                        if (v > best || ILGPU.Algorithms.XMath.IsNaN(v))
                        {
                            best = v;
                            tap = (r * s.Kernel) + c;
                        }
                    }
                }
            }

            a.Y[o] = best;
            if (a.HasTaps != 0)
            {
                a.Taps[o] = tap;
            }
        }
    }

    // One thread owns every (grid size)-th input element, and asks each window over it, in order, whether it is the maximum there.
    [CudaKernel]
    public static void Backward(BackwardArgs a)
    {
        var s = a.Shape;
        for (long i = Grid.GlobalIndex.X; i < s.InputCount; i += Grid.DimX * Group.DimX)
        {
            long row = i / s.W, plane = row / s.H;
            int h = (int)(row - (plane * s.H)), w = (int)(i - (row * s.W));
            float dx = a.Accumulate != 0 ? a.Dx[i] : 0f;
            int lastP = IntrinsicMath.Min((h + s.Padding) / s.Stride, s.P - 1), lastQ = IntrinsicMath.Min((w + s.Padding) / s.Stride, s.Q - 1);
            for (int p = First(h, s); p <= lastP; p++)
            {
                for (int q = First(w, s); q <= lastQ; q++)
                {
                    long o = (((plane * s.P) + p) * s.Q) + q;
                    int tap = a.Taps[o], r = tap / s.Kernel;

                    // A window of nothing but -infinity says tap 0, which may lie in the padding: its first element then.
                    int atH = IntrinsicMath.Max(0, (p * s.Stride) - s.Padding + r);
                    int atW = IntrinsicMath.Max(0, (q * s.Stride) - s.Padding + (tap - (r * s.Kernel)));
                    if (atH == h && atW == w)
                    {
                        dx += a.Dy[o];
                    }
                }
            }

            a.Dx[i] = dx;
        }
    }

    private static int First(int at, in Sizes s)
    {
        int beyond = at + s.Padding - s.Kernel;
        return beyond < 0 ? 0 : (beyond / s.Stride) + 1;
    }
}
