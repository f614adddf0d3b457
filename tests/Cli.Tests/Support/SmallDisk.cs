using System.Diagnostics;

namespace SmartFrz.Cli.Tests;

/// <summary>A test on a disk of its own that can be full: skipped, saying so, where such a one cannot be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        using var folder = new TemporaryFolder();
        if (!OperatingSystem.IsLinux() || SmallDisk.Run(folder.Root, 64, "true") is not { Code: 0 })
        {
            Skip = "needs a file system in memory: Linux with unshare and the right to make user namespaces";
        }
    }
}

/// <summary>Runs shell scripts that see a small file system in memory in a folder's place; nobody else sees it, and it goes with them.</summary>
internal static class SmallDisk
{
    /// <summary>Runs a script; null where there is no <c>unshare</c>.</summary>
    /// <param name="folder">Where the disk is to be: <c>$disk</c> in the script.</param>
    /// <param name="kibibytes">Its size.</param>
    /// <param name="script">The script; its exit code is the outcome's.</param>
    /// <param name="arguments">What the script sees as its arguments.</param>
    public static Outcome? Run(string folder, int kibibytes, string script, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("unshare") { RedirectStandardOutput = true, RedirectStandardError = true };
        string mount = FormattableString.Invariant($"disk='{folder}'; mount -t tmpfs -o size={kibibytes}k none \"$disk\" || exit 99; {script}");
        foreach (string argument in new[] { "--map-root-user", "--mount", "sh", "-c", mount, "sh" }.Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return new Outcome(process.ExitCode, output.GetAwaiter().GetResult(), error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
