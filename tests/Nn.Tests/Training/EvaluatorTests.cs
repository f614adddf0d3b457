using SmartFrz.Kernels;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests.Training;

public sealed class EvaluatorTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(21)]
    [InlineData(1)]
    [InlineData(5)]
    public void Every_image_counts_once_whatever_the_batch(int batchSize)
    {
        using var run = new TinyRun();
        run.Trainer.Run();
        var loader = new BatchLoader(run.Test.Data, run.Test.Options with { BatchSize = batchSize });
        var (loss, correct) = ByHand(run);
        var result = Evaluator.Evaluate(run.Network, loader);
        Assert.Equal((correct, TinyRun.TestImages), (result.Correct, result.Total));
        Assert.Equal(correct / (double)TinyRun.TestImages, result.Accuracy);
        Assert.Equal(loss, result.Loss, 1e-5);
    }

    [Fact]
    public void Evaluation_leaves_no_trace()
    {
        using var run = new TinyRun();
        var context = run.Engine.Context;
        var before = run.State();
        var (live, forward) = (context.Memory.Live, context.Launches[Phase.Forward]);
        Evaluator.Evaluate(run.Network, run.Test);
        TinyRun.AssertSame(before, run.State());
        Assert.Equal(live, context.Memory.Live);
        Assert.Equal(forward, context.Launches[Phase.Forward]);
        Assert.Equal(0, run.Engine.TapeLength);
        Assert.True(run.Network.IsTraining);
        run.Network.SetTraining(false);
        Evaluator.Evaluate(run.Network, run.Test);
        Assert.False(run.Network.IsTraining);
    }

    [Fact]
    public void An_evaluation_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using var run = new TinyRun();
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(run.Network, run.Test, stop.Token));
        Assert.True(run.Network.IsTraining);
    }

    [Fact]
    public void A_loader_that_leaves_images_out_is_refused()
    {
        using var run = new TinyRun();
        var loader = new BatchLoader(run.Test.Data, run.Test.Options with { DropLast = true });
        var e = Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(run.Network, loader));
        Assert.Contains("drops the last 5 of 21", e.Message, StringComparison.Ordinal);
    }

    private static (double Loss, int Correct) ByHand(TinyRun run)
    {
        run.Network.SetTraining(false);
        double loss = 0;
        int correct = 0;
        foreach (var batch in new BatchLoader(run.Test.Data, run.Test.Options with { BatchSize = 1 }).Epoch(0))
        {
            using var grad = run.Engine.NoGrad();
            using var step = run.Engine.BeginStep();
            var logits = run.Network.Call(run.Engine.FromHost(batch.Inputs, new Shape(1, 1, 8, 8))).ToArray();
            double sum = logits.Sum(l => Math.Exp(l));
            loss += Math.Log(sum) - logits[batch.Labels[0]];
            correct += Array.IndexOf(logits, logits.Max()) == batch.Labels[0] ? 1 : 0;
        }

        run.Network.SetTraining(true);
        return (loss / TinyRun.TestImages, correct);
    }
}
