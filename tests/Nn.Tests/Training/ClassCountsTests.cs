namespace SmartFrz.Nn.Tests;

/// <summary>Against values computed by hand from the definitions.</summary>
public sealed class ClassCountsTests
{
    [Fact]
    public void Two_classes()
    {
        var counts = new ClassCounts(2);
        int[] labels = [1, 1, 1, 0, 1, 0, 0, 1, 0, 1];
        int[] answers = [1, 0, 1, 1, 1, 0, 0, 1, 1, 0];
        for (int i = 0; i < labels.Length; i++)
        {
            counts.Add(labels[i], answers[i]);
        }

        Assert.Equal((10, 4, 2, 2, 2), (counts.Total, counts[1, 1], counts[1, 0], counts[0, 1], counts[0, 0]));
        Assert.Equal(0.6, counts.Accuracy, 12);
        Assert.Equal(0.16666666666666666, counts.MatthewsCorrelation, 12);
        Assert.Equal(0.6666666666666666, counts.F1, 12);
    }

    [Fact]
    public void More_classes_and_logits()
    {
        var counts = new ClassCounts(3);
        counts.Add([1, 0, 0, 0, 2, 1, 0, 0, 0, 3, 4, 5, 0, 1, 0], [0, 1, 2, 2, 0]);

        // labels 0 1 2 2 0, answers 0 1 0 2 1.
        Assert.Equal(0.6, counts.Accuracy, 12);
        Assert.Equal(0.4375, counts.MatthewsCorrelation, 12);
    }

    [Fact]
    public void What_says_nothing_is_zero()
    {
        var counts = new ClassCounts(2);
        Assert.True(double.IsNaN(counts.Accuracy));
        counts.Add(0, 0);
        Assert.Equal((1.0, 0.0, 0.0), (counts.Accuracy, counts.MatthewsCorrelation, counts.F1));
        counts.Add(1, 1);
        Assert.Equal((1.0, 1.0, 1.0), (counts.Accuracy, counts.MatthewsCorrelation, counts.F1));
        Assert.Throws<InvalidOperationException>(() => new ClassCounts(1).F1);
    }
}
