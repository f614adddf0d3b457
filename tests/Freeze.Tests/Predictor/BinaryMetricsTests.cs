namespace SmartFrz.Freeze.Tests;

public sealed class BinaryMetricsTests
{
    [Fact]
    public void Hand_computed_figures_with_a_tie()
    {
        var m = BinaryMetrics.Of([0.1, 0.4, 0.4, 0.8], [false, false, true, true]);
        // Pairs of a positive and a negative: 0.4 beats 0.1 and ties with 0.4, 0.8 beats both.
        Assert.Equal(3.5 / 4, m.Auroc, 12);
        Assert.Equal(3.0 / 4, m.Accuracy, 12);
        Assert.Equal((0.01 + 0.16 + 0.36 + 0.04) / 4, m.Brier, 12);
        // Bins 1, 4 and 8: |0.1 - 0|, |0.8 - 1| and |0.8 - 1|.
        Assert.Equal((0.1 + 0.2 + 0.2) / 4, m.CalibrationError, 12);
        Assert.Equal((4, 2), (m.Count, m.Positives));
    }

    [Fact]
    public void Order_alone_decides_about_AUROC()
    {
        bool[] answers = [true, false, true, false, false, true];
        Assert.Equal(1, BinaryMetrics.Of([0.9, 0.1, 0.8, 0.2, 0.3, 0.7], answers).Auroc);
        Assert.Equal(0, BinaryMetrics.Of([0.1, 0.9, 0.2, 0.8, 0.7, 0.3], answers).Auroc);
        Assert.Equal(0.5, BinaryMetrics.Of([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], answers).Auroc);
        Assert.Equal(7.0 / 9, BinaryMetrics.Of([0.30, 0.25, 0.20, 0.15, 0.26, 0.40], answers).Auroc, 12);
    }

    [Fact]
    public void Certainty_is_calibrated_when_it_is_right()
    {
        var m = BinaryMetrics.Of([0, 1, 1, 0], [false, true, true, false]);
        Assert.Equal((1.0, 1.0, 0.0, 0.0), (m.Auroc, m.Accuracy, m.CalibrationError, m.Brier));
    }

    [Fact]
    public void Without_both_answers_there_is_no_AUROC()
    {
        Assert.Equal(double.NaN, BinaryMetrics.Of([0.1, 0.9], [true, true]).Auroc);
        Assert.Equal(double.NaN, BinaryMetrics.Of([], []).Auroc);
    }

    [Fact]
    public void What_cannot_be_ranked_is_refused()
    {
        Assert.Throws<ArgumentException>(() => BinaryMetrics.Of([0.1, double.NaN], [true, false]));
        Assert.Throws<ArgumentException>(() => BinaryMetrics.Of([0.1], [true, false]));
    }

    [Fact]
    public void The_interval_of_a_difference_is_that_of_whole_runs()
    {
        bool[] answers = [.. Enumerable.Range(0, 60).Select(i => i % 2 == 0)];
        string[] runs = [.. Enumerable.Range(0, 60).Select(i => $"run {i / 10}")];
        double[] good = [.. answers.Select((a, i) => (a ? 0.8 : 0.2) + (0.01 * (i % 7)))];
        double[] none = [.. answers.Select((_, i) => (i * 37 % 60) / 60.0)];
        var (difference, low, high) = BinaryMetrics.AurocDifference(good, none, answers, runs);
        Assert.Equal(BinaryMetrics.Of(good, answers).Auroc - BinaryMetrics.Of(none, answers).Auroc, difference, 12);
        Assert.InRange(difference, low, high);
        Assert.True(low > 0);
        Assert.Equal((difference, low, high), BinaryMetrics.AurocDifference(good, none, answers, runs));
        Assert.Equal((0, 0, 0), BinaryMetrics.AurocDifference(good, good, answers, runs));
        // With a single run every resample is the same.
        var (_, least, most) = BinaryMetrics.AurocDifference(good, none, answers, [.. runs.Select(_ => "one")]);
        Assert.Equal(least, most, 12);
    }
}
