using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The sizes of a pooling over windows of an image.</summary>
public readonly record struct Pool2dShape(int N, int C, int H, int W, int KernelH, int KernelW, int StrideH, int StrideW, int PadH, int PadW)
{
    /// <summary>Output rows.</summary>
    public int P => ((H + (2 * PadH) - KernelH) / StrideH) + 1;

    /// <summary>Output columns.</summary>
    public int Q => ((W + (2 * PadW) - KernelW) / StrideW) + 1;

    /// <summary>Elements of the input.</summary>
    public long InputCount => (long)N * C * H * W;

    /// <summary>Elements of the output.</summary>
    public long OutputCount => (long)N * C * P * Q;
}

/// <summary>
/// y = the largest element of each window, and where in its plane it stands: the first of equals in row-major order; a NaN wins.
/// </summary>
public readonly unsafe struct MaxPool2dForward(Pool2dShape shape, DeviceBuffer x, DeviceBuffer y, DeviceBuffer indices) : IKernel
{
    private readonly Pool2dShape _shape = shape;
    private readonly DeviceBuffer _x = x, _y = y, _indices = indices;

    /// <inheritdoc/>
    public static string Name => "max_pool2d";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.OutputCount * _shape.KernelH * _shape.KernelW, 4 * (_shape.InputCount + (2 * _shape.OutputCount)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var body = new Body { Shape = _shape, X = CpuContext.Floats(_x), Y = CpuContext.Floats(_y), Indices = CpuContext.Pointer<int>(_indices) };
        // Some 16 thousand outputs a piece pay for a fork.
        cpu.Pool.For(_shape.N * _shape.C, Math.Max(1, 16384 / Math.Max(1, _shape.P * _shape.Q)), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        MaxPool2dCuda.Forward,
        _shape.OutputCount,
        new MaxPool2dCuda.Args
        {
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Indices = CudaContext.View<int>(_indices),
            HasIndices = _indices.IsNull ? 0 : 1,
            Shape = _shape,
            Count = _shape.OutputCount,
        });

    // One piece owns a run of planes.
    private struct Body : IParallelBody
    {
        public Pool2dShape Shape;
        public float* X, Y;
        public int* Indices;

        public readonly void Run(int begin, int end, int worker)
        {
            var s = Shape;
            for (int plane = begin; plane < end; plane++)
            {
                float* x = X + ((long)plane * s.H * s.W);
                float* y = Y + ((long)plane * s.P * s.Q);
                int* at = Indices is null ? null : Indices + ((long)plane * s.P * s.Q);
                for (int p = 0; p < s.P; p++)
                {
                    int top = Math.Max(0, (p * s.StrideH) - s.PadH), bottom = Math.Min(s.H, (p * s.StrideH) - s.PadH + s.KernelH);
                    for (int q = 0; q < s.Q; q++)
                    {
                        int left = Math.Max(0, (q * s.StrideW) - s.PadW), right = Math.Min(s.W, (q * s.StrideW) - s.PadW + s.KernelW);
                        int best = (top * s.W) + left;
                        float largest = x[best];
                        for (int i = top; i < bottom; i++)
                        {
                            for (int j = left; j < right; j++)
                            {
                                float v = x[(i * s.W) + j];
                                if (v > largest || (float.IsNaN(v) && !float.IsNaN(largest)))
                                {
                                    largest = v;
                                    best = (i * s.W) + j;
                                }
                            }
                        }

                        *y++ = largest;
                        if (at is not null)
                        {
                            *at++ = best;
                        }
                    }
                }
            }
        }
    }
}

/// <summary>dx = the sum of dy over the windows whose largest element this is.</summary>
public readonly unsafe struct MaxPool2dBackward(Pool2dShape shape, DeviceBuffer dy, DeviceBuffer indices, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly Pool2dShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _indices = indices, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "max_pool2d.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.OutputCount, 4 * (_shape.InputCount + (2 * _shape.OutputCount)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var body = new Body
        {
            Shape = _shape,
            Dy = CpuContext.Floats(_dy),
            Dx = CpuContext.Floats(_dx),
            Indices = CpuContext.Pointer<int>(_indices),
            Accumulate = _accumulate,
        };
        cpu.Pool.For(_shape.N * _shape.C, Math.Max(1, 16384 / Math.Max(1, _shape.P * _shape.Q)), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        MaxPool2dCuda.Backward,
        _shape.InputCount,
        new MaxPool2dCuda.BackwardArgs
        {
            Dy = CudaContext.Floats(_dy),
            Dx = CudaContext.Floats(_dx),
            Indices = CudaContext.View<int>(_indices),
            Shape = _shape,
            Count = _shape.InputCount,
            Accumulate = _accumulate ? 1 : 0,
        });

    // One piece owns a run of planes, so no two threads write to the same element.
    private struct Body : IParallelBody
    {
        public Pool2dShape Shape;
        public float* Dy, Dx;
        public int* Indices;
        public bool Accumulate;

        public readonly void Run(int begin, int end, int worker)
        {
            int inside = Shape.H * Shape.W, outside = Shape.P * Shape.Q;
            for (int plane = begin; plane < end; plane++)
            {
                float* dx = Dx + ((long)plane * inside);
                float* dy = Dy + ((long)plane * outside);
                int* at = Indices + ((long)plane * outside);
                if (!Accumulate)
                {
                    new Span<float>(dx, inside).Clear();
                }

                for (int o = 0; o < outside; o++)
                {
                    dx[at[o]] += dy[o];
                }
            }
        }
    }
}

/// <summary>The CUDA bodies of the max-pooling kernels.</summary>
internal static class MaxPool2dCuda
{
    public struct Args
    {
        public ArrayView<float> X, Y;
        public ArrayView<int> Indices;
        public int HasIndices;
        public Pool2dShape Shape;
        public long Count;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Dx;
        public ArrayView<int> Indices;
        public int Accumulate;
        public Pool2dShape Shape;
        public long Count;
    }

    // One thread owns every (grid size)-th output and reads its window.
    [CudaKernel]
    public static void Forward(Args a)
    {
        var s = a.Shape;
        for (long o = Grid.GlobalIndex.X; o < a.Count; o += Grid.DimX * Group.DimX)
        {
            int q = (int)(o % s.Q);
            int p = (int)(o / s.Q % s.P);
            long x = o / s.Q / s.P * s.H * s.W;
            int top = IntrinsicMath.Max(0, (p * s.StrideH) - s.PadH), bottom = IntrinsicMath.Min(s.H, (p * s.StrideH) - s.PadH + s.KernelH);
            int left = IntrinsicMath.Max(0, (q * s.StrideW) - s.PadW), right = IntrinsicMath.Min(s.W, (q * s.StrideW) - s.PadW + s.KernelW);
            int best = (top * s.W) + left;
            float largest = a.X[x + best];
            for (int i = top; i < bottom; i++)
            {
                for (int j = left; j < right; j++)
                {
                    float v = a.X[x + (i * s.W) + j];
                    if (v > largest || (float.IsNaN(v) && !float.IsNaN(largest)))
                    {
                        largest = v;
                        best = (i * s.W) + j;
                    }
                }
            }

            a.Y[o] = largest;
            if (a.HasIndices != 0)
            {
                a.Indices[o] = best;
            }
        }
    }

    // One thread owns every (grid size)-th input and asks the windows that cover it, in order: no atomics.
    [CudaKernel]
    public static void Backward(BackwardArgs a)
    {
        var s = a.Shape;
        for (long e = Grid.GlobalIndex.X; e < a.Count; e += Grid.DimX * Group.DimX)
        {
            int w = (int)(e % s.W);
            int h = (int)(e / s.W % s.H);
            long plane = e / s.W / s.H * s.P * s.Q;
            // Window p covers rows p * stride - pad up to that + kernel.
            int firstP = IntrinsicMath.Max(0, (h + s.PadH - s.KernelH + s.StrideH) / s.StrideH);
            int lastP = IntrinsicMath.Min(s.P - 1, (h + s.PadH) / s.StrideH);
            int firstQ = IntrinsicMath.Max(0, (w + s.PadW - s.KernelW + s.StrideW) / s.StrideW);
            int lastQ = IntrinsicMath.Min(s.Q - 1, (w + s.PadW) / s.StrideW);
            int own = (h * s.W) + w;
            float sum = a.Accumulate != 0 ? a.Dx[e] : 0f;
            for (int p = firstP; p <= lastP; p++)
            {
                for (int q = firstQ; q <= lastQ; q++)
                {
                    long o = plane + (p * s.Q) + q;
                    if (a.Indices[o] == own)
                    {
                        sum += a.Dy[o];
                    }
                }
            }

            a.Dx[e] = sum;
        }
    }
}
