using System.Globalization;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

public sealed class SchedulePolicyTests
{
    [Theory]
    [InlineData("stem@3", "stem@3")]
    [InlineData("stem@0", "stem@1")]
    [InlineData("stem@1e", "stem@4")]
    [InlineData("stem@1.5e", "stem@6")]
    [InlineData("stem@30%", "stem@6")]
    [InlineData("stem@12.6%", "stem@3")]
    [InlineData("stem@20", "stem@20")]
    [InlineData("stem@21", "")]
    [InlineData("stem@150%", "")]
    [InlineData("st*@2", "stem@2")]
    [InlineData("layer2@2", "layer2.0@2")]
    [InlineData("layer2.0@2", "layer2.0@2")]
    [InlineData("layer*@2", "layer1.0@2 layer2.0@2 layer3.0@2")]
    [InlineData("*@5", "stem@5 layer1.0@5 layer2.0@5 layer3.0@5")]
    [InlineData("layer3@2 stem@3 layer1@3", "layer3.0@2 stem@3 layer1.0@3")]
    [InlineData("stem@2 *@3", "stem@2 layer1.0@3 layer2.0@3 layer3.0@3")]
    public void Units_freeze_at_their_time(string schedule, string expected)
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 5, FreezeMode.Free);
        Assert.Equal(expected, string.Join(' ', bench.Run(Policy(schedule.Split(' ')))));
    }

    [Fact]
    public void In_prefix_mode_a_unit_waits_for_those_before_it()
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 5);
        Assert.Equal(["stem@7", "layer1.0@7", "layer2.0@9"], bench.Run(Policy("layer1@3", "stem@7", "layer2@9")));
    }

    [Fact]
    public void What_never_gets_its_prefix_never_freezes()
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 5);
        Assert.Empty(bench.Run(Policy("layer2@3")));
    }

    [Fact]
    public void Numbers_are_read_alike_everywhere()
    {
        var before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NumberGroupSeparator) = (",", ".");
        CultureInfo.CurrentCulture = comma;
        try
        {
            Units_freeze_at_their_time("stem@1.5e", "stem@6");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("stem")]
    [InlineData("@3")]
    [InlineData("stem@")]
    [InlineData("stem@e")]
    [InlineData("stem@-1")]
    [InlineData("stem@soon")]
    [InlineData("stem@NaN")]
    [InlineData("stem@Infinity")]
    [InlineData("stem@3x")]
    public void An_entry_that_cannot_be_read_is_named(string entry)
    {
        var e = Assert.Throws<OptionException>(() => Policy("layer1@2", entry));
        Assert.Contains($"'{entry}'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layer4@2")]
    [InlineData("layer@2")]
    [InlineData("head@2")]
    public void A_pattern_that_matches_nothing_is_found_before_the_first_step(string entry)
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 5);
        var e = Assert.Throws<OptionException>(() => bench.Run(Policy(entry)));
        Assert.Contains(entry, e.Message, StringComparison.Ordinal);
        Assert.Contains("stem, layer1.0, layer2.0, layer3.0", e.Message, StringComparison.Ordinal);
    }

    private static SchedulePolicy Policy(params string[] entries) => new(new SchedulePolicyOptions { Schedule = entries });
}
