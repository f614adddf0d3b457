using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

public sealed class LinearPolicyTests
{
    [Fact]
    public void Units_freeze_from_the_input_on_linearly_in_time_at_epoch_ends()
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 10);
        // Four units: floor(4 (t - 0.5) / 0.5) is 0 at 0.6, 1 at 0.7, 2 at 0.8, 3 at 0.9 and 4 at the end.
        Assert.Equal(["stem@28", "layer1.0@32", "layer2.0@36", "layer3.0@40"], bench.Run(new LinearPolicy(new LinearPolicyOptions())));
    }

    [Fact]
    public void The_level_is_what_is_frozen_at_the_end()
    {
        using var bench = new PolicyBench(stepsPerEpoch: 4, epochs: 10);
        Assert.Equal(["stem@20", "layer1.0@40"], bench.Run(new LinearPolicy(new LinearPolicyOptions { FreezeStart = 0, FreezeLevel = 0.5 })));
    }

    [Fact]
    public void A_whole_number_of_units_is_not_rounded_down()
    {
        using var bench = new PolicyBench(stepsPerEpoch: 1, epochs: 10);
        // (0.6 - 0.2) / 0.8 is a hair below one half in binary.
        Assert.Equal(["stem@4", "layer1.0@6", "layer2.0@8", "layer3.0@10"], bench.Run(new LinearPolicy(new LinearPolicyOptions { FreezeStart = 0.2 })));
    }

    [Theory]
    [InlineData(-0.1, 1, "freeze.freeze_start")]
    [InlineData(1, 1, "freeze.freeze_start")]
    [InlineData(double.NaN, 1, "freeze.freeze_start")]
    [InlineData(0.5, 1.5, "freeze.freeze_level")]
    [InlineData(0.5, double.NaN, "freeze.freeze_level")]
    public void Shares_outside_their_range_are_refused(double start, double level, string option)
    {
        var e = Assert.Throws<OptionException>(() => new LinearPolicy(new LinearPolicyOptions { FreezeStart = start, FreezeLevel = level }));
        Assert.Contains(option, e.Message, StringComparison.Ordinal);
    }
}
