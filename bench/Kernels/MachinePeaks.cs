using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SmartFrz.Bench.Kernels;

/// <summary>What this machine was measured to do with that many threads: multiply-adds in registers, and copies through memory.</summary>
/// <param name="Gflops">10^9 floating-point operations in a second.</param>
/// <param name="CopyGbs">10^9 bytes read and written in a second, far outside the caches.</param>
internal sealed record MachinePeaks(double Gflops, double CopyGbs)
{
    // More than the last-level cache's share of any processor this runs on.
    private const int CopyBytes = 256 << 20;
    private const int Tries = 15;

    // Two ports with a latency of four need eight chains.
    private const int Chains = 8, Rounds = 4_000_000;

    /// <summary>The best of several tries each: a peak, not a typical value.</summary>
    public static MachinePeaks Measure(int threads)
    {
        int width = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256.IsHardwareAccelerated ? Vector256<float>.Count : Vector128<float>.Count;
        double gflops = 2.0 * width * Chains * Rounds * threads / Best(threads, _ => Multiply(width)) / 1e9;
        byte[] source = new byte[CopyBytes], target = new byte[CopyBytes];
        int piece = CopyBytes / threads;
        double copy = 2.0 * piece * threads / Best(threads, t => Buffer.BlockCopy(source, t * piece, target, t * piece, piece)) / 1e9;
        return new MachinePeaks(gflops, copy);
    }

    private static double Best(int threads, Action<int> work)
    {
        double best = double.PositiveInfinity;
        for (int i = 0; i < Tries; i++)
        {
            long start = Stopwatch.GetTimestamp();
            var others = Enumerable.Range(1, threads - 1).Select(t => new Thread(() => work(t))).ToList();
            others.ForEach(t => t.Start());
            work(0);
            others.ForEach(t => t.Join());
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static void Multiply(int width)
    {
        if (width == Vector512<float>.Count)
        {
            Wide();
        }
        else if (width == Vector256<float>.Count)
        {
            Half();
        }
        else
        {
            Narrow();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Wide()
    {
        Vector512<float> f = Vector512.Create(0.999f), s = Vector512.Create(0.001f), a = s, b = s, c = s, d = s, e = s, g = s, h = s, i = s;
        for (int n = 0; n < Rounds; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, f, s);
            b = Vector512.FusedMultiplyAdd(b, f, s);
            c = Vector512.FusedMultiplyAdd(c, f, s);
            d = Vector512.FusedMultiplyAdd(d, f, s);
            e = Vector512.FusedMultiplyAdd(e, f, s);
            g = Vector512.FusedMultiplyAdd(g, f, s);
            h = Vector512.FusedMultiplyAdd(h, f, s);
            i = Vector512.FusedMultiplyAdd(i, f, s);
        }

        return Vector512.Sum(a + b + c + d + e + g + h + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Half()
    {
        Vector256<float> f = Vector256.Create(0.999f), s = Vector256.Create(0.001f), a = s, b = s, c = s, d = s, e = s, g = s, h = s, i = s;
        for (int n = 0; n < Rounds; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, f, s);
            b = Vector256.FusedMultiplyAdd(b, f, s);
            c = Vector256.FusedMultiplyAdd(c, f, s);
            d = Vector256.FusedMultiplyAdd(d, f, s);
            e = Vector256.FusedMultiplyAdd(e, f, s);
            g = Vector256.FusedMultiplyAdd(g, f, s);
            h = Vector256.FusedMultiplyAdd(h, f, s);
            i = Vector256.FusedMultiplyAdd(i, f, s);
        }

        return Vector256.Sum(a + b + c + d + e + g + h + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Narrow()
    {
        Vector128<float> f = Vector128.Create(0.999f), s = Vector128.Create(0.001f), a = s, b = s, c = s, d = s, e = s, g = s, h = s, i = s;
        for (int n = 0; n < Rounds; n++)
        {
            a = Vector128.FusedMultiplyAdd(a, f, s);
            b = Vector128.FusedMultiplyAdd(b, f, s);
            c = Vector128.FusedMultiplyAdd(c, f, s);
            d = Vector128.FusedMultiplyAdd(d, f, s);
            e = Vector128.FusedMultiplyAdd(e, f, s);
            g = Vector128.FusedMultiplyAdd(g, f, s);
            h = Vector128.FusedMultiplyAdd(h, f, s);
            i = Vector128.FusedMultiplyAdd(i, f, s);
        }

        return Vector128.Sum(a + b + c + d + e + g + h + i);
    }
}
