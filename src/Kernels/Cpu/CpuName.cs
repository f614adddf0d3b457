using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The processor's own name.</summary>
internal static class CpuName
{
    private const string LinuxFile = "/proc/cpuinfo", LinuxKey = "model name";

    /// <summary>The name that the operating system reports, or the architecture where it reports none.</summary>
    public static string OfThisMachine()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                string? line = File.ReadLines(LinuxFile).FirstOrDefault(l => l.StartsWith(LinuxKey, StringComparison.Ordinal));
                if (line?.Split(':', 2) is [_, var name] && !string.IsNullOrWhiteSpace(name))
                {
                    return name.Trim();
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No name then: it is only shown.
        }

        return RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
    }
}
