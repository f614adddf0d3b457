using System.Diagnostics;

namespace SmartFrz.Cli.Tests;

/// <summary>A test on the stand-in for NVIDIA's driver: skipped, saying so, where there is no C compiler to make it with.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DriverFactAttribute : FactAttribute
{
    public DriverFactAttribute() => Skip = StandInDriver.WhyNot;
}

/// <summary>
/// NVIDIA's driver library as <c>libcuda.c</c> beside this file makes it: the whole way to a GPU runs, up to the kernels themselves. A
/// process has one driver, so what uses it is a process of its own.
/// </summary>
internal sealed class StandInDriver : IDisposable
{
    private static readonly Lazy<string?> Compiler = new(() => Array.Find(["cc", "gcc", "clang"], c => Try(c, "--version") == 0));

    private readonly TemporaryFolder _folder = new();
    private int _runs;

    public StandInDriver()
    {
        string[] arguments = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread", Source, "-o", _folder["libcuda.so.1"]];
        if (WhyNot is null && Try(Compiler.Value!, arguments) is not 0 and var code)
        {
            throw new InvalidOperationException($"{Compiler.Value} {string.Join(' ', arguments)} ended with code {code}");
        }
    }

    /// <summary>Why there is none here; null where there is one.</summary>
    public static string? WhyNot => !OperatingSystem.IsLinux() ? "the stand-in for the NVIDIA driver is a Linux library"
        : Compiler.Value is null ? "needs a C compiler (cc, gcc or clang) to make the stand-in for the NVIDIA driver"
        : null;

    private static string Source => Path.Combine(Repository.Root, "tests", "Cli.Tests", "Driver", "libcuda.c");

    /// <summary>Runs a command line with this driver.</summary>
    public Task<(Outcome Outcome, DriverLog Log)> Smartfrz(params string[] arguments) => Run(typeof(CommandLineRunner).Assembly, [], arguments);

    /// <summary>Runs <see cref="DriverHost"/> with this driver.</summary>
    public Task<(Outcome Outcome, DriverLog Log)> Host(params string[] arguments) => Run(typeof(DriverHost).Assembly, [], arguments);

    /// <summary>Runs an assembly with this driver and further variables.</summary>
    public async Task<(Outcome Outcome, DriverLog Log)> Run(System.Reflection.Assembly assembly, Dictionary<string, string> variables, params string[] arguments)
    {
        string log = _folder[FormattableString.Invariant($"driver-{Interlocked.Increment(ref _runs)}.log")];
        variables["LD_LIBRARY_PATH"] = _folder.Root;
        variables["STANDIN_DRIVER_LOG"] = log;
        var outcome = await Tests.Smartfrz.RunAssembly(assembly, variables, _ => Task.CompletedTask, arguments);
        return (outcome, DriverLog.Read(log));
    }

    public void Dispose() => _folder.Dispose();

    private static int? Try(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 || errors.Length == 0 ? process.ExitCode : throw new InvalidOperationException(errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
