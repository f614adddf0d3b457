using System.Diagnostics;

namespace SmartFrz.Bench.Pairs;

/// <summary>How long one run took, on average over a short block of them.</summary>
/// <param name="WallMs">Wall milliseconds.</param>
/// <param name="CpuMs">Processor milliseconds of all threads of the process.</param>
internal readonly record struct Block(double WallMs, double CpuMs)
{
    /// <summary>Runs again and again for at least that long.</summary>
    public static Block Measure(Action run, double seconds)
    {
        int runs = 0;
        var cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            run();
            runs++;
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        while (elapsed.TotalSeconds < seconds);
        return new Block(elapsed.TotalMilliseconds / runs, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / runs);
    }
}
