using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Kernels;

/// <summary><c>kernels</c>: our kernels alone, in BenchmarkDotNet, with the columns of a roofline.</summary>
internal static class KernelsCommand
{
    // Longer than the longest name of a case.
    private const int NameWidth = 100;

    public static Command Build()
    {
        var only = new Option<string>("--only") { Description = "A regular expression: cases whose name it finds", DefaultValueFactory = _ => "" };
        var lists = new Option<string[]>("--list") { Description = "Lists of bench/cases; all when absent", AllowMultipleArgumentsPerToken = true };
        var threads = new Option<string>("--threads") { Description = "Numbers of threads, separated by commas", DefaultValueFactory = _ => "2,1" };
        var isa = new Option<CpuIsa>("--isa") { Description = "The instruction set", DefaultValueFactory = _ => new CpuDevice(1).Isa };
        var iterations = new Option<int>("--iterations") { Description = "Measured iterations of a case", DefaultValueFactory = _ => 7 };
        var output = new Option<string>("--out") { Description = "The folder for the reports (Markdown and JSON)", DefaultValueFactory = _ => "artifacts/kernels" };
        var command = new Command("kernels", "Our kernels alone, with GFLOP/s, GB/s and the share of the machine's measured roof") { lists, only, threads, isa, iterations, output };
        command.SetAction(result => Run(
            result.GetValue(lists) ?? [],
            new Regex(result.GetValue(only)!),
            [.. result.GetValue(threads)!.Split(',').Select(t => int.Parse(t, CultureInfo.InvariantCulture))],
            result.GetValue(isa),
            result.GetValue(iterations),
            result.GetValue(output)!));
        return command;
    }

    private static int Run(string[] lists, Regex only, IReadOnlyList<int> threads, CpuIsa isa, int iterations, string output)
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "cases"), "*.json").Order(StringComparer.Ordinal).ToList();
        var names = files.Select(f => Path.GetFileNameWithoutExtension(f)).ToList();
        foreach (string list in lists.Where(l => !names.Contains(l)))
        {
            Console.Error.WriteLine($"there is no list '{list}'; the lists are {string.Join(", ", names)}");
            return 2;
        }

        // Steps and whole blocks are timed beside PyTorch ('pair'); here are kernels.
        string[] others = ["steps", "transformer"];
        var chosen = files.Where((_, i) => lists.Length > 0 ? lists.Contains(names[i]) : !others.Contains(names[i]));
        KernelBenchmarks.Asked = KernelCase.Of(chosen, only, threads, isa);
        if (KernelBenchmarks.Asked.Count == 0)
        {
            Console.Error.WriteLine($"no kernel of these lists has a name that '{only}' finds");
            return 2;
        }

        var peaks = threads.ToDictionary(t => t, MachinePeaks.Measure);
        foreach (var (count, peak) in peaks)
        {
            Console.WriteLine(FormattableString.Invariant($"{count} threads: {peak.Gflops:0} GFLOP/s in registers, {peak.CopyGbs:0.0} GB/s read and written by copies"));
        }

        // In this process: the cases hold memory and threads that another process would have to make anew.
        var job = Job.Default.WithToolchain(InProcessNoEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(iterations).WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(100));
        var config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddLogger(ConsoleLogger.Default)
            .AddColumnProvider(DefaultColumnProviders.Params)
            .AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.StdDev)
            .AddColumn(RooflineColumn.All(peaks))
            .AddExporter(MarkdownExporter.GitHub, JsonExporter.Full)
            .WithArtifactsPath(output)
            .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(NameWidth))
            .WithOptions(ConfigOptions.JoinSummary);
        var summary = BenchmarkRunner.Run<KernelBenchmarks>(config);
        return summary.HasCriticalValidationErrors || summary.Reports.Length == 0 || summary.Reports.Any(r => !r.Success) ? 1 : 0;
    }
}
