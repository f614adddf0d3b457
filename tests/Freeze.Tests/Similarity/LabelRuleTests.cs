namespace SmartFrz.Freeze.Tests;

public sealed class LabelRuleTests
{
    private static readonly double[] Curve = [0.1, 0.5, 0.8, 0.79, 0.81, 0.80];

    [Fact]
    public void A_curve_has_settled_where_it_stays_to_its_end()
    {
        // Its range is 0.71.
        Assert.Equal([false, false, true, true, true, true], new LabelRule { Tolerance = 0.03 / 0.71 }.Labels(Curve));
        Assert.Equal([false, false, false, false, true, true], new LabelRule { Tolerance = 0.015 / 0.71 }.Labels(Curve));
    }

    [Fact]
    public void What_counts_is_the_share_of_a_curves_own_movement()
    {
        double[] small = [.. Curve.Select(c => 0.99 + (c / 100))];
        Assert.Equal(new LabelRule { Tolerance = 0.03 }.Labels(Curve), new LabelRule { Tolerance = 0.03 }.Labels(small));
        Assert.Equal([true, true], new LabelRule().Labels([0.5, 0.5]));
    }

    [Fact]
    public void Whoever_is_near_by_chance_and_leaves_again_has_not_settled()
    {
        Assert.Equal([false, false, false, true], new LabelRule { Tolerance = 0.1 }.Labels([0.8, 0.9, 0.7, 0.8]));
        Assert.Equal([false, false, false, true], new LabelRule().Labels([0.8, 0.8, 0.8, 0.9]));
    }

    [Fact]
    public void A_layer_that_settled_somewhere_else_does_not_freeze()
    {
        Assert.Equal([false, false, false], new LabelRule().Labels([0.2, 0.2, 0.2]));
        Assert.Equal([true, true, true], new LabelRule { LeastSimilarity = 0.2 }.Labels([0.2, 0.2, 0.2]));
        Assert.Equal([false, false], new LabelRule().Labels([double.NaN, double.NaN]));
    }

    [Fact]
    public void Stability_looks_back_only_and_relative_to_the_value()
    {
        var rule = new LabelRule { Kind = LabelRuleKind.Stable, Checks = 3, Tolerance = 0.05 };
        Assert.Equal([false, false, false, false, true, true], rule.Labels(Curve));
        Assert.Equal([false, false, true, false], rule.Labels([0.8, 0.8, 0.8, 0.9]));
    }

    [Fact]
    public void An_empty_curve_has_no_labels() => Assert.Empty(new LabelRule().Labels([]));
}
