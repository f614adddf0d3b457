using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of the kernels of layer normalisation.</summary>
internal static class LayerNormCuda
{
    public struct ForwardArgs
    {
        public ArrayView<float> X, Gamma, Beta, Y, Mean, Rstd;
        public int Columns;
        public float Eps;
    }

    public struct InputArgs
    {
        public ArrayView<float> Dy, X, Gamma, Mean, Rstd, Dx;
        public int Columns, Accumulate;
    }

    public struct SumArgs
    {
        public ArrayView<float> Dy, X, Mean, Rstd, Partials, Dgamma, Dbeta;
        public int Rows, Columns, Pieces, NeedsGamma, NeedsBeta, AddGamma, AddBeta;
    }

    // One group owns a row; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Forward(ForwardArgs a)
    {
        long row = (long)Grid.IdxX * a.Columns;
        float sum = 0f;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            sum += a.X[row + i];
        }

        float mean = GroupSum.All(sum) / a.Columns;
        sum = 0f;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            float difference = a.X[row + i] - mean;
            sum += difference * difference;
        }

        float rstd = 1f / MathF.Sqrt((GroupSum.All(sum) / a.Columns) + a.Eps);
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            a.Y[row + i] = ((a.X[row + i] - mean) * rstd * a.Gamma[i]) + a.Beta[i];
        }

        if (Group.IdxX == 0)
        {
            a.Mean[Grid.IdxX] = mean;
            a.Rstd[Grid.IdxX] = rstd;
        }
    }

    // One group owns a row; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void InputGradient(InputArgs a)
    {
        long row = (long)Grid.IdxX * a.Columns;
        float mean = a.Mean[Grid.IdxX], rstd = a.Rstd[Grid.IdxX];
        float sum = 0f, product = 0f;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            float g = a.Dy[row + i] * a.Gamma[i];
            sum += g;
            product += g * ((a.X[row + i] - mean) * rstd);
        }

        sum = GroupSum.All(sum) / a.Columns;
        product = GroupSum.All(product) / a.Columns;
        for (int i = Group.IdxX; i < a.Columns; i += Group.DimX)
        {
            float g = a.Dy[row + i] * a.Gamma[i];
            float dx = rstd * (g - sum - ((a.X[row + i] - mean) * rstd * product));
            a.Dx[row + i] = a.Accumulate != 0 ? a.Dx[row + i] + dx : dx;
        }
    }

    // One group owns (group size) neighbouring columns (grid X) of a piece of the rows (grid Y); one thread a column.
    [CudaKernel]
    public static void PieceSums(SumArgs a)
    {
        int column = (Grid.IdxX * Group.DimX) + Group.IdxX, piece = Grid.IdxY;
        if (column < a.Columns)
        {
            int end = (int)((long)(piece + 1) * a.Rows / a.Pieces);
            float sum = 0f, product = 0f;
            for (int row = (int)((long)piece * a.Rows / a.Pieces); row < end; row++)
            {
                long at = ((long)row * a.Columns) + column;
                float dy = a.Dy[at];
                sum += dy;
                if (a.NeedsGamma != 0)
                {
                    product += dy * ((a.X[at] - a.Mean[row]) * a.Rstd[row]);
                }
            }

            long to = ((long)piece * a.Columns) + column;
            a.Partials[to] = sum;
            a.Partials[to + ((long)a.Pieces * a.Columns)] = product;
        }
    }

    // One thread owns every (grid size)-th column and adds its pieces in their order.
    [CudaKernel]
    public static void FinishSums(SumArgs a)
    {
        for (int column = Grid.GlobalIndex.X; column < a.Columns; column += Grid.DimX * Group.DimX)
        {
            double sum = 0, product = 0;
            for (int piece = 0; piece < a.Pieces; piece++)
            {
                long at = ((long)piece * a.Columns) + column;
                sum += a.Partials[at];
                product += a.Partials[at + ((long)a.Pieces * a.Columns)];
            }

            if (a.NeedsBeta != 0)
            {
                a.Dbeta[column] = a.AddBeta != 0 ? a.Dbeta[column] + (float)sum : (float)sum;
            }

            if (a.NeedsGamma != 0)
            {
                a.Dgamma[column] = a.AddGamma != 0 ? a.Dgamma[column] + (float)product : (float)product;
            }
        }
    }
}
