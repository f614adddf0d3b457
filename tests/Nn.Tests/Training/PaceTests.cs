namespace SmartFrz.Nn.Tests.Training;

public sealed class PaceTests
{
    [Fact]
    public void The_time_left_follows_when_steps_become_cheaper()
    {
        var pace = new Pace();
        Assert.True(double.IsNaN(pace.Left(100, 0)));
        pace.Add(20, 20 * 0.5);
        Assert.Equal(50, pace.Left(100, 0), 1e-9);
        for (int i = 0; i < 5; i++)
        {
            pace.Add(20, 20 * 0.2);
        }

        Assert.Equal(20, pace.Left(100, 0), 0.5);
        pace.EvaluationSeconds = 3;
        Assert.Equal(pace.Left(100, 0) + 6, pace.Left(100, 2), 1e-9);
    }

    [Fact]
    public void One_slow_interval_does_not_turn_the_estimate()
    {
        var pace = new Pace();
        pace.Add(1, 0.1);
        pace.Add(1, 1.1);
        Assert.InRange(pace.StepSeconds, 0.1, 0.2);
    }
}
