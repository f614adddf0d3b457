using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>Sums over the threads of a group, in one fixed order.</summary>
internal static class GroupSum
{
    /// <summary>
    /// The sum over all threads, handed to each of them. The group's size is a power of two, at most
    /// <see cref="CudaDevice.FullGroup"/>; every thread must call.
    /// </summary>
    public static float All(float value)
    {
        var shared = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        shared[Group.IdxX] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (Group.IdxX < half)
            {
                shared[Group.IdxX] += shared[Group.IdxX + half];
            }

            Group.Barrier();
        }

        float sum = shared[0];

        // Nobody may begin the next sum while another thread still reads this one.
        Group.Barrier();
        return sum;
    }
}
