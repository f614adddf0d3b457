using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// Packs a matrix into panels: for each step of the summed dimension, the <c>rows</c> numbers that a tile needs lie side by side.
/// Both operands of a product, plain and transposed, are one of the two loops below.
/// </summary>
internal static unsafe class CpuPanels
{
    /// <summary>panel[k*width + i] = source[k*ld + i] for i &lt; rows, zero up to width: the panel's numbers lie side by side already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint ld, int rows, int k, float* panel, int width)
    {
        for (; k > 0; k--, source += ld, panel += width)
        {
            CopyRun(source, panel, rows);
            for (int i = rows; i < width; i++)
            {
                panel[i] = 0f;
            }
        }
    }

    /// <summary>panel[k*width + i] = source[i*ld + k] for i &lt; rows, zero up to width: four by four numbers turned at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint ld, int rows, int k, float* panel, int width) => Transpose(source, ld, rows, k, panel, width, width);

    /// <summary>panel[k*pitch + i] = source[i*ld + k] for i &lt; rows, zero up to width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint ld, int rows, int k, float* panel, int width, nint pitch)
    {
        // In blocks, so that a line of the panel is still in the first-level cache when the next rows come to it.
        const int Block = 64;
        for (; k > 0; k -= Block, source += Block, panel += Block * pitch)
        {
            TransposeBlock(source, ld, rows, Math.Min(k, Block), panel, width, pitch);
        }
    }

    /// <summary>matrix[i*ld + k] = panel[k*width + i] for i &lt; rows: what <see cref="Transpose(float*, nint, int, int, float*, int)"/> does, undone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeOut(float* panel, int width, int rows, int k, float* matrix, nint ld)
    {
        // In blocks, so that a line of the panel is still in the first-level cache when its next numbers are asked for.
        const int Block = 64;
        for (; k > 0; k -= Block, panel += Block * width, matrix += Block)
        {
            int some = Math.Min(k, Block), i = 0;
            for (; i + 4 <= rows; i += 4)
            {
                int j = 0;
                for (; j + 4 <= some; j += 4)
                {
                    Turn4(panel + (j * width) + i, width, 4, matrix + (i * ld) + j, ld);
                }

                for (; j < some; j++)
                {
                    float* from = panel + (j * width) + i, to = matrix + (i * ld) + j;
                    to[0] = from[0];
                    to[ld] = from[1];
                    to[2 * ld] = from[2];
                    to[3 * ld] = from[3];
                }
            }

            for (; i < rows; i++)
            {
                for (int j = 0; j < some; j++)
                {
                    matrix[(i * ld) + j] = panel[(j * width) + i];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeBlock(float* source, nint ld, int rows, int k, float* panel, int width, nint pitch)
    {
        int i = 0;
        for (; i + 4 <= rows; i += 4)
        {
            Turn4(source + (i * ld), ld, k, panel + i, pitch);
        }

        if (i < rows && rows >= 4)
        {
            // The last rows once more together with some before them: the same numbers to the same places.
            Turn4(source + ((rows - 4) * ld), ld, k, panel + rows - 4, pitch);
            i = rows;
        }

        for (; i < width; i++)
        {
            float* row = source + (i * ld), to = panel + i;
            for (int j = 0; j < k; j++, to += pitch)
            {
                *to = i < rows ? row[j] : 0f;
            }
        }
    }

    /// <summary>target[i] = source[i*step].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyEvery(float* source, int step, float* target, int count)
    {
        if (step == 1)
        {
            CopyRun(source, target, count);
            return;
        }

        int i = 0;
        if (step == 2 && Sse.IsSupported)
        {
            // The last number of the last four is left to the plain loop: its neighbour may lie past the end of the source.
            for (; i + 4 < count; i += 4)
            {
                Vector128.Store(Sse.Shuffle(Vector128.Load(source + (2 * i)), Vector128.Load(source + (2 * i) + 4), 0b10_00_10_00), target + i);
            }
        }

        for (; i < count; i++)
        {
            target[i] = source[i * step];
        }
    }

    /// <summary>Asks for a run of numbers that will be read soon; it may lie outside any memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* source, int count)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < count; i += 16)
            {
                Sse.Prefetch0(source + i);
            }
        }
    }

    /// <summary>Copies a run of numbers with the widest moves that fit, the last one overlapping the one before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRun(float* source, float* target, int count)
    {
        int i = 0;
        if (count >= 8)
        {
            for (; i <= count - 8; i += 8)
            {
                Vector256.Store(Vector256.Load(source + i), target + i);
            }

            if (i < count)
            {
                Vector256.Store(Vector256.Load(source + count - 8), target + count - 8);
            }
        }
        else if (count >= 4)
        {
            Vector128.Store(Vector128.Load(source), target);
            Vector128.Store(Vector128.Load(source + count - 4), target + count - 4);
        }
        else
        {
            for (; i < count; i++)
            {
                target[i] = source[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn4(float* source, nint ld, int k, float* panel, nint width)
    {
        float* s0 = source, s1 = s0 + ld, s2 = s1 + ld, s3 = s2 + ld;
        int j = 0;
        if (Sse.IsSupported)
        {
            for (; j + 4 <= k; j += 4, panel += 4 * width)
            {
                Vector128<float> a = Vector128.Load(s0 + j), b = Vector128.Load(s1 + j), c = Vector128.Load(s2 + j), d = Vector128.Load(s3 + j);
                Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d);
                Vector128.Store(Sse.MoveLowToHigh(ab, cd), panel);
                Vector128.Store(Sse.MoveHighToLow(cd, ab), panel + width);
                ab = Sse.UnpackHigh(a, b);
                cd = Sse.UnpackHigh(c, d);
                Vector128.Store(Sse.MoveLowToHigh(ab, cd), panel + (2 * width));
                Vector128.Store(Sse.MoveHighToLow(cd, ab), panel + (3 * width));
            }
        }

        for (; j < k; j++, panel += width)
        {
            panel[0] = s0[j];
            panel[1] = s1[j];
            panel[2] = s2[j];
            panel[3] = s3[j];
        }
    }
}
