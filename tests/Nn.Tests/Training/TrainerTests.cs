using SmartFrz.Kernels;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests.Training;

public sealed class TrainerTests
{
    [Fact]
    public void Training_learns_and_reports_what_it_did()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 12, LogInterval = 2 });
        var result = run.Trainer.Run();
        Assert.False(result.Interrupted);
        Assert.Equal(60, result.Steps);
        Assert.Equal(12, result.Epochs);
        Assert.Equal(Enumerable.Range(1, 12), result.History.Select(e => e.Epoch));
        Assert.Equal(Enumerable.Range(1, 12).Select(e => 5L * e), result.History.Select(e => e.Step));
        Assert.True(result.TrainLoss < 0.5 * result.History[0].TrainLoss, $"the loss went from {result.History[0].TrainLoss} to {result.TrainLoss}");
        Assert.True(result.Last!.Accuracy > 0.8, $"accuracy {result.Last.Accuracy}");
        Assert.Equal(TinyRun.TestImages, result.Last.Total);
        Assert.Equal(result.History.Max(e => e.Test!.Accuracy), result.Best!.Accuracy);
        Assert.InRange(result.TrainSeconds, 1e-6, result.WallSeconds);
    }

    [Fact]
    public void The_loop_is_that_of_the_documentation()
    {
        var calls = new List<string>();
        void Note(string what, TrainingContext c) => calls.Add(FormattableString.Invariant($"{what} {c.Step} {c.Epoch}"));
        using var run = new TinyRun(new TrainerOptions { Epochs = 2, LogInterval = 3 });
        run.Trainer.Add(new Callback
        {
            OnRunStarting = c => Note("run", c),
            OnEpochStarting = c => Note("epoch", c),
            OnStepStarting = c => Note("step", c),
            OnGradientsReady = c => Note(c.Model.Parameters().All(p => p.Variable.HasGradient) ? "gradients" : "no gradients", c),
            OnStepEnded = c => Note("stepped", c),
            OnLogged = c => Note("logged", c),
            OnEpochEnded = c => Note("ended", c),
            OnRunEnded = c => Note("done", c),
        });
        run.Trainer.Run();
        var expected = new List<string> { "run 0 0" };
        for (int epoch = 0; epoch < 2; epoch++)
        {
            expected.Add(FormattableString.Invariant($"epoch {5 * epoch} {epoch}"));
            for (int s = 0; s < 5; s++)
            {
                int step = (5 * epoch) + s;
                expected.AddRange([$"step {step} {epoch}", $"gradients {step} {epoch}", $"stepped {step + 1} {epoch}"]);
                if (s is 2 or 4)
                {
                    expected.Add($"logged {step + 1} {epoch}");
                }
            }

            expected.Add(FormattableString.Invariant($"ended {5 * (epoch + 1)} {epoch + 1}"));
        }

        expected.Add("done 10 2");
        Assert.Equal(expected, calls);
    }

    [Fact]
    public void A_run_is_the_plain_loop_bit_by_bit()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 2, LabelSmoothing = 0.1f });
        using var plain = new TinyRun();
        var losses = new List<double>();
        for (int epoch = 0; epoch < 2; epoch++)
        {
            foreach (var batch in plain.Train.Epoch(epoch))
            {
                using var step = plain.Engine.BeginStep();
                var targets = plain.Engine.FromHost(batch.Labels, new Shape(batch.Count));
                var loss = plain.Network.Call(plain.Engine.FromHost(batch.Inputs, new Shape(batch.Count, 1, 8, 8))).CrossEntropy(targets, 0.1f);
                losses.Add(loss.Item());
                plain.Engine.Backward(loss);
                plain.Optimizer.Step(new CosineSchedule(0.05f).LearningRate(losses.Count - 1, 10));
                plain.Optimizer.ClearGradients();
            }
        }

        var result = run.Trainer.Run();
        TinyRun.AssertSame(plain.State(), run.State());
        Assert.Equal(losses.Skip(5).Average(), result.TrainLoss, 1e-6);
    }

    [Fact]
    public void Clipping_scales_all_gradients_to_the_limit()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 1, ClipNorm = 0.25f }, learningRate: 0f);
        double norm = 0;
        run.Trainer.Add(new Callback { OnGradientsReady = c => norm = c.Step == 0 ? HostNorm(c) : norm });
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step == 1)
                {
                    // With learning rate 0 the weights stay, and momentum is the clipped gradient plus the decay.
                    double clipped = Math.Sqrt(c.Model.Parameters().Sum(p =>
                        c.Optimizer.StateOf(p)!.Tensors[0].ToArray().Zip(p.Value.ToArray(), (m, w) => Math.Pow(m - (1e-3 * w), 2)).Sum()));
                    Assert.True(norm > 0.25, $"the norm is {norm}, below the limit");
                    Assert.Equal(0.25, clipped, 1e-5);
                }
            },
        });
        run.Trainer.Run();
        using var norms = new GradientNorm(run.Network);
        Assert.Equal(0f, norms.Measure());
    }

    [Fact]
    public void The_limit_ends_a_run_early_on_the_schedule_of_the_whole()
    {
        using var whole = new TinyRun();
        using var limited = new TinyRun(whole.Options with { LimitSteps = 7 });
        SortedDictionary<string, float[]>? atSeven = null;
        whole.Trainer.Add(new Callback { OnStepEnded = c => atSeven = c.Step == 7 ? whole.State() : atSeven });
        whole.Trainer.Run();
        var result = limited.Trainer.Run();
        Assert.False(result.Interrupted);
        Assert.Equal((7, 1), (result.Steps, result.Epochs));
        TinyRun.AssertSame(atSeven!, limited.State());
        Assert.Equal(Evaluator.Evaluate(limited.Network, limited.Test), result.Last);
    }

    [Fact]
    public void Reports_cover_every_step_once()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 2, LogInterval = 3 });
        var reports = new List<StepReport>();
        run.Trainer.Add(new Callback { OnLogged = c => reports.Add(c.LastReport!) });
        var result = run.Trainer.Run();
        Assert.Equal([3, 5, 8, 10], reports.Select(r => r.Step));
        Assert.Equal(result.History[0].TrainLoss, ((3 * reports[0].Loss) + (2 * reports[1].Loss)) / 5, 1e-12);
        Assert.Equal(result.History[1].TrainAccuracy, ((3 * reports[2].Accuracy) + (2 * reports[3].Accuracy)) / 5, 1e-12);
        Assert.All(reports, r => Assert.True(r.ExamplesPerSecond > 0 && r.SecondsLeft >= 0));
        Assert.Equal((0, 3), (reports[0].FrozenUnits, reports[0].Units));
    }

    [Fact]
    public void A_loss_that_is_no_number_names_step_and_place()
    {
        using var run = new TinyRun();
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step == 3)
                {
                    var weight = c.Model.Parameters().Single(p => p.Name == "conv2.weight");
                    var values = weight.Value.ToArray();
                    values[1] = float.NaN;
                    weight.Value.CopyFrom(values);
                }
            },
        });
        var e = Assert.Throws<TrainingException>(() => run.Trainer.Run());
        Assert.Contains("step 4: the loss is NaN", e.Message, StringComparison.Ordinal);
        Assert.Contains("conv2.weight", e.Message, StringComparison.Ordinal);
        Assert.Equal(3, run.Trainer.Context.Step);
    }

    [Fact]
    public void Finite_weights_that_overflow_name_the_first_layer_to_do_so()
    {
        using var run = new TinyRun();
        run.Trainer.Add(new Callback
        {
            OnRunStarting = c =>
            {
                var weight = c.Model.Parameters().Single(p => p.Name == "head.weight");
                weight.Value.CopyFrom([.. weight.Value.ToArray().Select((_, i) => i % 2 == 0 ? 3e38f : -3e38f)]);
            },
        });
        var e = Assert.Throws<TrainingException>(() => run.Trainer.Run());
        Assert.Contains("the first output that is not finite is that of head", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_without_a_class_is_told_as_such()
    {
        var data = new InMemoryImageDataset(new byte[TinyRun.Images * 64], Enumerable.Repeat(4, TinyRun.Images).ToArray(), 1, 8, 8, ["a", "b", "c", "d", "e"]);
        using var run = new TinyRun(data: data);
        var e = Assert.Throws<TrainingException>(() => run.Trainer.Run());
        Assert.Contains("label 4 is none of the 4 classes of tiny", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_guard_a_run_goes_on()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 2, NanGuard = false }, learningRate: float.PositiveInfinity);
        var result = run.Trainer.Run();
        Assert.Equal(10, result.Steps);
        Assert.True(double.IsNaN(result.TrainLoss));
    }

    [Fact]
    public void Wrong_options_and_data_are_told_before_anything_runs()
    {
        Assert.Contains("train.epochs", Assert.Throws<OptionException>(() => new TinyRun(new TrainerOptions { Epochs = 0 })).Message, StringComparison.Ordinal);
        Assert.Contains("train.log_interval", Assert.Throws<OptionException>(() => new TinyRun(new TrainerOptions { LogInterval = 0 })).Message, StringComparison.Ordinal);
        Assert.Throws<OptionException>(() => new TinyRun(data: TinyData.Make(TinyRun.Batch - 1)));
        var colour = new InMemoryImageDataset(new byte[8 * 3 * 64], new int[8], 3, 8, 8, ["a"]);
        Assert.Contains("3 channels, tiny expects 1", Assert.Throws<ShapeException>(() => new TinyRun(data: colour)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_run_stops_after_the_step_under_way()
    {
        using var stop = new CancellationTokenSource();
        using var run = new TinyRun();
        bool ended = false;
        run.Trainer.Add(new Callback
        {
            OnStepStarting = c =>
            {
                if (c.Step == 6)
                {
                    stop.Cancel();
                }
            },
            OnRunEnded = _ => ended = true,
        });
        var result = run.Trainer.Run(stop.Token);
        Assert.True(result.Interrupted);
        Assert.Equal((7, 1), (result.Steps, result.Epochs));
        Assert.True(ended);
    }

    [Fact]
    public void The_same_run_on_the_kernels_for_cuda()
    {
        // Four steps of two images: the fourth is the first that is timed.
        using var device = CudaDevice.OpenEmulated();
        var losses = new List<double>();
        using var cuda = new TinyRun(new TrainerOptions { LimitSteps = 4, LogInterval = 1 }, device, width: 2, batch: 2, evaluate: false);
        using var cpu = new TinyRun(cuda.Options, width: 2, batch: 2, evaluate: false);
        cuda.Trainer.Add(new Callback { OnLogged = c => losses.Add(c.LastReport!.Loss) });
        cpu.Trainer.Add(new Callback { OnLogged = c => Assert.Equal(losses[(int)c.Step - 1], c.LastReport!.Loss, 1e-4) });
        var (a, b) = (cuda.Trainer.Run(), cpu.Trainer.Run());
        Assert.Equal(4, losses.Count);
        Assert.Equal(b.Costs[Phase.BackwardWeight] with { Seconds = 0 }, a.Costs[Phase.BackwardWeight] with { Seconds = 0 });
        Assert.True(a.Costs.Sampled);
        Assert.False(b.Costs.Sampled);
        Assert.True(a.Costs[Phase.Forward].Seconds > 0);
    }

    private static double HostNorm(TrainingContext context)
    {
        double sum = 0;
        foreach (var parameter in context.Model.Parameters())
        {
            var gradient = new float[parameter.Shape.Count];
            context.Engine.Context.Download<float>(parameter.Variable.Gradient, gradient);
            sum += gradient.Sum(g => (double)g * g);
        }

        return Math.Sqrt(sum);
    }
}
