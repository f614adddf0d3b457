using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using SmartFrz.Bench.Pairs;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Reports;

/// <summary><c>report</c>: the page on the CPU's performance, from the results of the paired benches.</summary>
internal static class ReportCommand
{
    public static Command Build()
    {
        var results = new Option<DirectoryInfo>("--results") { Description = "Where cpu-*.json are", DefaultValueFactory = _ => new DirectoryInfo("bench/results") };
        var docs = new Option<DirectoryInfo>("--docs") { Description = "Where performance-cpu.md and its drawings go", DefaultValueFactory = _ => new DirectoryInfo("docs") };
        var command = new Command("report", "docs/performance-cpu.md from bench/results/cpu-*.json") { results, docs };
        command.SetAction(parsed => Write(parsed.GetValue(results)!, parsed.GetValue(docs)!));
        return command;
    }

    private static void Write(DirectoryInfo results, DirectoryInfo docs)
    {
        var files = results.GetFiles("cpu-*.json").OrderBy(f => f.Name, StringComparer.Ordinal)
            .Select(f => (f.Name, Result: JsonSerializer.Deserialize<PairResult>(File.ReadAllText(f.FullName), OptionBinder.Json)!)).ToList();
        var rows = files.SelectMany(f => f.Result.Rows).ToList();
        var page = new StringBuilder(
            """
            # Performance on the CPU

            Made by `dotnet run -c Release --project bench -- report` from `bench/results/cpu-*.json`; do not edit.

            A ratio is our time over PyTorch's for the same work on the same machine: below 1 we are faster. Both sides take turns block by block; the
            ratio is the median of the rounds' ratios. Single rows of a shared machine scatter; the groups' geometric means do less.


            """);
        foreach (int threads in rows.Select(r => r.Threads).Distinct().OrderDescending())
        {
            var points = rows.Where(r => r.Threads == threads && r.Gflops is > 0 && r.GbPerSecond is > 0)
                .Select(r => new RooflinePoint($"{r.Name} {r.Part}", r.Gflops!.Value / r.GbPerSecond!.Value, r.Gflops.Value)).ToList();
            if (points.Count == 0)
            {
                continue;
            }

            double peak = points.Max(p => p.Gflops), copy = rows.Where(r => r.Threads == threads).Max(r => r.GbPerSecond ?? 0);
            string name = string.Create(CultureInfo.InvariantCulture, $"roofline-cpu-{threads}.svg");
            File.WriteAllText(Path.Combine(docs.FullName, name), Roofline.Draw(points, peak, copy));
            page.Append(CultureInfo.InvariantCulture, $"![Roofline with {threads} threads: kernels by FLOP per byte and GFLOP/s]({name})\n\n");
            page.Append(CultureInfo.InvariantCulture, $"{threads} threads: the roof is the best of these kernels, {peak:0} GFLOP/s and {copy:0} GB/s.\n\n");
        }

        foreach (var (name, result) in files)
        {
            Append(page, name, result);
        }

        File.WriteAllText(Path.Combine(docs.FullName, "performance-cpu.md"), page.ToString().ReplaceLineEndings("\n"));
    }

    private static void Append(StringBuilder page, string file, PairResult result)
    {
        string title = Path.GetFileNameWithoutExtension(file)["cpu-".Length..];
        page.Append(CultureInfo.InvariantCulture, $"## {char.ToUpperInvariant(title[0])}{title[1..]}\n\n");
        page.Append(CultureInfo.InvariantCulture, $"`{file}`: commit {result.Commit}, {result.Date}, {result.Machine}, {result.Device}, PyTorch {result.Peer["pytorch"]}, {result.Rounds} rounds.\n\n");
        int[] threads = [.. result.Rows.Select(r => r.Threads).Distinct().OrderDescending()];
        Header(page, ["group", "cases", .. threads.SelectMany(t => new[] { Of("mean", t), Of("worst", t) })]);
        foreach (var group in result.Groups.GroupBy(g => g.Group))
        {
            page.Append(CultureInfo.InvariantCulture, $"| {group.Key} | {group.First().Cases} |");
            foreach (int t in threads)
            {
                var g = group.FirstOrDefault(g => g.Threads == t);
                page.Append(CultureInfo.InvariantCulture, $" {g?.GeometricMean:0.00} | {g?.Worst:0.00} |");
            }

            page.Append('\n');
        }

        page.Append("\n<details><summary>All cases</summary>\n\n");
        Header(page, ["case", "part", .. threads.SelectMany(t => new[] { Of("ms", t), Of("ratio", t), Of("GFLOP/s", t) })]);
        foreach (var row in result.Rows.GroupBy(r => (r.Name, r.Part)))
        {
            page.Append(CultureInfo.InvariantCulture, $"| {row.Key.Name} | {row.Key.Part} |");
            foreach (int t in threads)
            {
                var r = row.FirstOrDefault(r => r.Threads == t);
                page.Append(CultureInfo.InvariantCulture, $" {r?.OursMs:0.000} | {r?.Ratio:0.00} | {r?.Gflops:0} |");
            }

            page.Append('\n');
        }

        page.Append("\n</details>\n\n");

        static string Of(string what, int threads) => string.Create(CultureInfo.InvariantCulture, $"{what}, {threads} thr");
    }

    private static void Header(StringBuilder page, IReadOnlyList<string> columns) =>
        page.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", columns)} |\n|{string.Concat(columns.Select((_, i) => i == 0 ? "---|" : "---:|"))}\n");
}
