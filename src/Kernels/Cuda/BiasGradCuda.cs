using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="BiasGradKernel"/>.</summary>
internal static class BiasGradCuda
{
    /// <summary>Threads that share one column of a matrix.</summary>
    public const int Lanes = 8;

    // A chain of additions in float loses accuracy with its length: sums of this many are finished before they are added up.
    private const int Chain = 64;

    public struct Args
    {
        public ArrayView<float> Dy, Db;
        public int Outer, Channels, Inner, Accumulate;
    }

    // One group owns (group size / Lanes) neighbouring columns of a matrix [Outer, Channels]; thread t owns rows t / columns + j * Lanes of
    // column t % columns. The first lane adds the lanes' sums in their order.
    [CudaKernel]
    public static void Columns(Args a)
    {
        var sums = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        int columns = Group.DimX / Lanes;
        int lane = Group.IdxX / columns;
        int channel = (Grid.IdxX * columns) + (Group.IdxX % columns);
        float sum = 0f;
        if (channel < a.Channels)
        {
            for (int first = lane; first < a.Outer; first += Lanes * Chain)
            {
                float part = 0f;
                for (int row = first; row < a.Outer && row < first + (Lanes * Chain); row += Lanes)
                {
                    part += a.Dy[((long)row * a.Channels) + channel];
                }

                sum += part;
            }
        }

        sums[Group.IdxX] = sum;
        Group.Barrier();
        if (lane == 0 && channel < a.Channels)
        {
            for (int other = 1; other < Lanes; other++)
            {
                sum += sums[(other * columns) + Group.IdxX];
            }

            a.Db[channel] = a.Accumulate != 0 ? a.Db[channel] + sum : sum;
        }
    }

    // One group owns one channel; its threads take the elements (n, i) in strides of the group and add their sums as a tree.
    [CudaKernel]
    public static void Planes(Args a)
    {
        int channel = Grid.IdxX;
        float sum = 0f;
        long count = (long)a.Outer * a.Inner;
        for (long first = Group.IdxX; first < count; first += Group.DimX * Chain)
        {
            float part = 0f;
            for (long i = first; i < count && i < first + (Group.DimX * Chain); i += Group.DimX)
            {
                part += a.Dy[(((i / a.Inner * a.Channels) + channel) * a.Inner) + (i % a.Inner)];
            }

            sum += part;
        }

        sum = GroupSum.All(sum);
        if (Group.IdxX == 0)
        {
            a.Db[channel] = a.Accumulate != 0 ? a.Db[channel] + sum : sum;
        }
    }
}
