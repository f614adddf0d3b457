using ILGPU;
using ILGPU.Algorithms;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="SoftmaxKernel{TForm}"/> and <see cref="SoftmaxGradKernel{TForm}"/>.</summary>
internal static class SoftmaxCuda
{
    public struct Args
    {
        public ArrayView<float> X, Y;
        public int Columns, IsLogarithm;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Y, Dx;
        public int Columns, IsLogarithm, Accumulate;
    }

    // One group owns a row; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Forward(Args a)
    {
        var partial = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        long row = (long)Grid.IdxX * a.Columns;
        float max = float.NegativeInfinity;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            max = CudaReduce.Larger(max, a.X[row + i]);
        }

        max = CudaReduce.Max(partial, max);
        float sum = 0f;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            sum += XMath.Exp(a.X[row + i] - max);
        }

        sum = GroupSum.All(sum);
        float log = XMath.Log(sum), inverse = 1f / sum;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            float x = a.X[row + i] - max;
            a.Y[row + i] = a.IsLogarithm != 0 ? x - log : XMath.Exp(x) * inverse;
        }
    }

    // One group owns a row; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Backward(BackwardArgs a)
    {
        long row = (long)Grid.IdxX * a.Columns;
        float sum = 0f;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            sum += a.IsLogarithm != 0 ? a.Dy[row + i] : a.Dy[row + i] * a.Y[row + i];
        }

        sum = GroupSum.All(sum);
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            float y = a.Y[row + i], dy = a.Dy[row + i];
            float dx = a.IsLogarithm != 0 ? dy - (XMath.Exp(y) * sum) : y * (dy - sum);
            a.Dx[row + i] = a.Accumulate != 0 ? a.Dx[row + i] + dx : dx;
        }
    }
}
