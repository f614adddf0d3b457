using SmartFrz.Kernels.Random;

namespace SmartFrz.Freeze.Tests;

public sealed class LogisticBaselineTests
{
    [Fact]
    public void Of_two_groups_it_says_their_shares()
    {
        // A saturated model: the likelihood is largest at the shares themselves; the ridge of 1e-3 moves them by far less than 1e-3.
        double[][] features = [[0], [0], [0], [0], [1], [1], [1], [1], [1]];
        bool[] answers = [true, false, false, false, true, true, true, false, true];
        var model = LogisticBaseline.Fit(features, answers);
        Assert.Equal(0.25, model.Predict([0]), 1e-3);
        Assert.Equal(0.8, model.Predict([1]), 1e-3);
    }

    [Fact]
    public void It_finds_the_weights_that_made_the_answers()
    {
        var random = Philox.Keyed(3, 1);
        double[][] features = [.. Enumerable.Range(0, 20000).Select(i => new double[] { random.Normal((ulong)(2 * i)), 10 * random.Normal((ulong)((2 * i) + 1)) })];
        static double P(double[] x) => 1 / (1 + Math.Exp(-(0.5 + (1.5 * x[0]) - (0.1 * x[1]))));
        bool[] answers = [.. features.Select((x, i) => random.Uniform((ulong)(100000 + i)) < P(x))];
        var model = LogisticBaseline.Fit(features, answers);
        // 20000 examples: a standard error of about 0.02 in each weight.
        foreach (double[] x in new double[][] { [0, 0], [1, 0], [-1, 10], [0.5, -10] })
        {
            Assert.Equal(P(x), model.Predict(x), 0.02);
        }
    }

    [Fact]
    public void Classes_that_a_line_separates_get_finite_weights()
    {
        var model = LogisticBaseline.Fit([[1], [2], [3], [4]], [false, false, true, true]);
        Assert.InRange(model.Predict([1]), 0, 0.01);
        Assert.InRange(model.Predict([4]), 0.99, 1);
        Assert.Equal(0.5, model.Predict([2.5]), 1e-6);
    }

    [Fact]
    public void A_feature_that_never_changes_leaves_the_common_share()
    {
        var model = LogisticBaseline.Fit([[7], [7], [7], [7]], [true, true, true, false]);
        Assert.Equal(0.75, model.Predict([7]), 1e-3);
    }
}
