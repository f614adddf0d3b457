using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Pairs;

/// <summary><c>pair LIST</c>: the cases of bench/cases/LIST.json, here and in PyTorch.</summary>
internal static class PairCommand
{
    public static Command Build()
    {
        string[] lists = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "cases"), "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];
        var list = new Argument<string>("list") { Description = $"One of {string.Join(", ", lists)}" };
        list.AcceptOnlyFromAmong(lists);
        var threads = new Option<string>("--threads") { Description = "Numbers of threads, separated by commas", DefaultValueFactory = _ => "2,1" };
        var only = new Option<string>("--only") { Description = "A regular expression: cases whose name it finds", DefaultValueFactory = _ => "" };
        var rounds = new Option<int>("--rounds") { Description = "Blocks of each side", DefaultValueFactory = _ => 7 };
        var seconds = new Option<double>("--seconds") { Description = "Least length of a block", DefaultValueFactory = _ => 0.1 };
        var python = new Option<string>("--python") { Description = "A Python that has PyTorch", DefaultValueFactory = _ => "/usr/bin/python3" };
        var isa = new Option<CpuIsa>("--isa") { Description = "Our instruction set", DefaultValueFactory = _ => new CpuDevice(1).Isa };
        var output = new Option<FileInfo?>("--out") { Description = "Where the result goes, as JSON" };
        var command = new Command("pair", "Our kernels and steps beside PyTorch's, in turns") { list, threads, only, rounds, seconds, python, isa, output };
        command.SetAction(result => Run(new Request(
            result.GetValue(list)!,
            [.. result.GetValue(threads)!.Split(',').Select(t => int.Parse(t, CultureInfo.InvariantCulture))],
            new Regex(result.GetValue(only)!),
            result.GetValue(rounds),
            result.GetValue(seconds),
            result.GetValue(python)!,
            result.GetValue(isa),
            result.GetValue(output))));
        return command;
    }

    private static int Run(Request request)
    {
        try
        {
            var cases = PairCase.Read(Path.Combine(AppContext.BaseDirectory, "cases", request.List + ".json")).Where(c => request.Only.IsMatch(c.Name)).ToList();
            using var peer = new Peer(request.Python);
            var bench = new PairBench(peer, request.Rounds, request.Seconds) { Measured = Print };
            var rows = new List<PairRow>();
            string device = "";
            foreach (int threads in request.Threads)
            {
                using var cpu = new CpuDevice(threads, request.Isa);
                device = cpu.Name;
                rows.AddRange(cases.SelectMany(c => bench.Run(c, cpu)));
            }

            var groups = PairBench.Groups(rows);
            foreach (var g in groups)
            {
                Console.WriteLine(FormattableString.Invariant($"{g.Group,-24} {g.Threads} thr  {g.Cases,3} cases  geometric mean {g.GeometricMean:0.000}  worst {g.Worst:0.000} ({g.WorstCase})"));
            }

            if (request.Output is { } file)
            {
                var outcome = new PairResult
                {
                    What = $"{request.List}: milliseconds here and in PyTorch, in turns",
                    Command = string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Prepend("dotnet run -c Release --project bench --")),
                    Commit = Shell("git", "rev-parse --short HEAD"),
                    Date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                    Machine = Machine(),
                    Device = device,
                    Peer = peer.Description,
                    Rounds = request.Rounds,
                    Rows = rows,
                    Groups = groups,
                };
                File.WriteAllText(file.FullName, JsonSerializer.Serialize(outcome, OptionBinder.Json) + "\n");
            }

            return 0;
        }
        catch (OptionException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
    }

    private static void Print(PairRow r)
    {
        string speed = r.Gflops is { } gflops ? FormattableString.Invariant($"  {gflops,6:0.0} GF/s") : "";
        string memory = r is { OursPeakBytes: { } ours, TheirsPeakBytes: { } theirs }
            ? FormattableString.Invariant($"  {ours / (double)(1 << 20),6:0.0} MiB, {theirs / (double)(1 << 20),6:0.0} MiB")
            : "";
        Console.WriteLine(FormattableString.Invariant(
            $"{r.Name,-34} {r.Part,-16} {r.Threads} thr  {r.OursMs,9:0.000} ms  {r.TheirsMs,9:0.000} ms  {r.Ratio,6:0.000}  cpu {r.OursCpuMs / r.TheirsCpuMs,6:0.000}{speed}{memory}"));
    }

    private static string Machine()
    {
        string? model = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() : null;
        return $"{Environment.ProcessorCount} cores, {model ?? "unknown processor"}, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}";
    }

    private static string Shell(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd().Trim();
    }

    private sealed record Request(
        string List, IReadOnlyList<int> Threads, Regex Only, int Rounds, double Seconds, string Python, CpuIsa Isa, FileInfo? Output);
}
