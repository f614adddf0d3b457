using System.Text.Json.Nodes;
using MathNet.Numerics.Statistics;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Pairs;

/// <summary>A case of a list: what is done, in both worlds.</summary>
internal sealed record PairCase(string Name, string Group, string Kind, JsonObject Settings)
{
    /// <summary>The cases of a file: an array of objects with kind, name, group and the kind's settings.</summary>
    public static IReadOnlyList<PairCase> Read(string path)
    {
        var array = JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true })!.AsArray();
        return [.. array.Select(node => Of(node!.AsObject()))];
    }

    private static PairCase Of(JsonObject node)
    {
        var settings = node.DeepClone().AsObject();
        string[] own = ["kind", "name", "group"];
        string[] values = [.. own.Select(key => (string?)settings[key] ?? throw new OptionException($"a case has no '{key}': {node.ToJsonString()}"))];
        foreach (string key in own)
        {
            settings.Remove(key);
        }

        return new PairCase(values[1], values[2], values[0], settings);
    }
}

/// <summary>
/// Times the same work here and in a peer process. Both take turns block by block, so that what else the machine does disturbs both
/// alike; what counts is the median of the rounds' ratios.
/// </summary>
internal sealed class PairBench(Peer peer, int rounds, double seconds)
{
    private const double WarmUpSeconds = 0.3;

    private readonly IReadOnlyDictionary<string, IWorkKind> _kinds = IWorkKind.All();

    /// <summary>Told of each row.</summary>
    public Action<PairRow>? Measured { get; set; }

    /// <summary>Times all parts of a case.</summary>
    public IReadOnlyList<PairRow> Run(PairCase pair, CpuDevice device)
    {
        using var work = OptionBinder.Find("work", pair.Kind, _kinds).Create(device, pair.Settings);
        var request = pair.Settings.DeepClone().AsObject();
        request["kind"] = pair.Kind;
        var rows = new List<PairRow>();
        foreach (var part in work.Parts)
        {
            var row = Run(pair, part, request, device.Threads) with { OursPeakBytes = work.PeakBytes(part.Name) };
            rows.Add(row);
            Measured?.Invoke(row);
        }

        return rows;
    }

    /// <summary>The groups' means over rows of one number of threads each.</summary>
    public static IReadOnlyList<PairGroup> Groups(IEnumerable<PairRow> rows) =>
        [.. rows.GroupBy(r => (r.Group, r.Threads)).Select(group =>
        {
            var cases = group.GroupBy(r => r.Name).Select(c => (Name: c.Key, Ratio: c.Sum(r => r.Ratio * r.TheirsMs) / c.Sum(r => r.TheirsMs))).ToList();
            var worst = cases.MaxBy(c => c.Ratio);
            return new PairGroup(group.Key.Group, group.Key.Threads, cases.Count, cases.Select(c => c.Ratio).GeometricMean(), worst.Ratio, worst.Name);
        })];

    private PairRow Run(PairCase pair, WorkPart part, JsonObject request, int threads)
    {
        Block.Measure(part.Run, WarmUpSeconds);
        long? peak = peer.Measure(threads, request, part.Name, WarmUpSeconds).PeakBytes;
        var (ours, theirs) = (new List<Block>(), new List<Block>());
        for (int round = 0; round < rounds; round++)
        {
            ours.Add(Block.Measure(part.Run, seconds));
            theirs.Add(peer.Measure(threads, request, part.Name, seconds).Block);
        }

        double ms = ours.Select(b => b.WallMs).Median();
        return new PairRow
        {
            Name = pair.Name,
            Group = pair.Group,
            Part = part.Name,
            Threads = threads,
            OursMs = ms,
            TheirsMs = theirs.Select(b => b.WallMs).Median(),
            Ratio = ours.Zip(theirs, (o, t) => o.WallMs / t.WallMs).Median(),
            OursCpuMs = ours.Select(b => b.CpuMs).Median(),
            TheirsCpuMs = theirs.Select(b => b.CpuMs).Median(),
            Gflops = part.Cost.Flops > 0 ? part.Cost.Flops / ms / 1e6 : null,
            GbPerSecond = part.Cost.Bytes > 0 ? part.Cost.Bytes / ms / 1e6 : null,
            TheirsPeakBytes = peak,
        };
    }
}
