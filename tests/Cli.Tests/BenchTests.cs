namespace SmartFrz.Cli.Tests;

public sealed class BenchTests : Smartfrz
{
    private static readonly string[] Small =
        ["bench", "step", "--model", "resnet8", "--set", "model.width=2", "--set", "data.size=8", "--batch", "2", "--steps", "2", "--warm-up", "1", "--device", "cpu", "--threads", "1"];

    [Fact]
    public void Steps_as_json()
    {
        var json = Run([.. Small, "--frozen", "0,50", "--json"]).Json;

        Assert.Equal([2, 3, 8, 8], json.GetProperty("input").EnumerateArray().Select(e => e.GetInt32()));
        Assert.Equal(1, json.GetProperty("device").GetProperty("threads").GetInt32());
        var rows = json.GetProperty("rows").EnumerateArray().ToList();
        Assert.Equal([0, 50], rows.Select(r => r.GetProperty("frozen").GetDouble()));
        Assert.Equal([0, 2], rows.Select(r => r.GetProperty("k").GetInt32()));
        Assert.Equal(
            ["frozen", "k", "units", "median_ms", "min_ms", "cpu_ms", "peak_bytes", "flop_ideal", "ledger_ideal"],
            rows[0].EnumerateObject().Select(p => p.Name).Take(9));
    }

    [Fact]
    public void Steps_as_a_table()
    {
        var outcome = Run([.. Small, "--frozen", "0,25,75"]);

        Assert.Equal(0, outcome.Code);
        Assert.Contains("│ 25 │   1/5 │", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("resnet8, batch 2x3x8x8, 2 steps after 1", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_optimizer_has_its_own_options()
    {
        Assert.Equal(0, Run([.. Small, "--set", "optimizer.eps=1e-6", "--set", "optimizer.name=adamw"]).Code);
        Assert.StartsWith("unknown option 'optimizer.momentum'", Refused([.. Small, "--set", "optimizer.name=adamw", "--set", "optimizer.momentum=0.5"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        Assert.Equal("'x' in --frozen 0,x is no percentage, expected numbers as in 0,25,50", Refused([.. Small, "--frozen", "0,x"]));
        Assert.Equal("100 % of the 5 units of resnet8 frozen: 0 to 4 of them are expected", Refused([.. Small, "--frozen", "100"]));
        Assert.StartsWith("unknown option 'data.width'", Refused([.. Small, "--set", "data.width=8"]), StringComparison.Ordinal);
        Assert.Equal("option 'data.length' is of texts, resnet8 takes images", Refused([.. Small, "--set", "data.length=8"]));
        Assert.Equal("bench step makes its own data, 'cifar10' was asked for", Refused([.. Small, "--set", "data.name=cifar10"]));
    }
}
