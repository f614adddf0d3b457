using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="CorrectKernel"/> and <see cref="ScoreKernel"/>.</summary>
internal static class ScoreCuda
{
    public struct Args
    {
        public ArrayView<float> Logits, MeanLoss, Totals;
        public CrossEntropyCuda.Targets Targets;
        public int Rows, Classes;
    }

    // One group owns the count; one thread every (group size)-th row.
    [CudaKernel]
    public static void Correct(Args a)
    {
        float correct = Count(a);
        if (Group.IdxX == 0)
        {
            a.Totals[0] = correct;
        }
    }

    // One group owns the totals; one thread every (group size)-th row.
    [CudaKernel]
    public static void Add(Args a)
    {
        float correct = Count(a);
        if (Group.IdxX == 0)
        {
            a.Totals[0] += a.MeanLoss[0] * a.Rows;
            a.Totals[1] += correct;
            a.Totals[2] += a.Rows;
        }
    }

    // Counts stay exact: they are below 2^24.
    private static float Count(in Args a)
    {
        float correct = 0f;
        for (int n = Group.IdxX; n < a.Rows; n += Group.DimX)
        {
            long row = (long)n * a.Classes;
            int best = 0;
            for (int c = 1; c < a.Classes; c++)
            {
                if (a.Logits[row + c] > a.Logits[row + best])
                {
                    best = c;
                }
            }

            if (best == a.Targets.Of(n, a.Classes))
            {
                correct += 1f;
            }
        }

        return GroupSum.All(correct);
    }
}
