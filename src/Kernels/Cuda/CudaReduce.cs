using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>Reductions over the threads of a group, in a fixed order. Every thread of the group must come along, and gets the result.</summary>
internal static class CudaReduce
{
    /// <summary>The sum of one number of each thread.</summary>
    /// <param name="partial">Shared memory of <see cref="CudaDevice.FullGroup"/> elements; free for the next use when this returns.</param>
    /// <param name="value">This thread's number.</param>
    public static double Sum(ArrayView<double> partial, double value)
    {
        int thread = Group.IdxX;
        partial[thread] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                partial[thread] += partial[thread + half];
            }

            Group.Barrier();
        }

        double sum = partial[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>The largest number of any thread; NaN if there is one.</summary>
    public static float Max(ArrayView<float> partial, float value)
    {
        int thread = Group.IdxX;
        partial[thread] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                partial[thread] = Larger(partial[thread], partial[thread + half]);
            }

            Group.Barrier();
        }

        float max = partial[0];
        Group.Barrier();
        return max;
    }

    /// <summary>The larger of two numbers; NaN if one of them is.</summary>
    public static float Larger(float a, float b) => a >= b ? a : b >= a ? b : a + b;
}
