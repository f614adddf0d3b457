using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

public sealed class SmartFrzPolicyTests : IDisposable
{
    private static readonly string[] Freezable = ["stem", "layer1.0", "layer2.0", "layer3.0"];

    private readonly CpuDevice _device = new(threads: 2);
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(1, 1, 5)]
    [InlineData(2, 1, 10)]
    [InlineData(1, 5, 3)]
    [InlineData(3, 5, 5)]
    public void With_a_predictor_that_always_says_yes_all_but_the_head_freeze_in_order_once_windows_and_votes_are_full(int votes, int stagesPerEpoch, int step)
    {
        using var run = Run(TestPredictor.Always, votes, stagesPerEpoch);
        var cache = new List<long>();
        run.Trainer.Add(new Watch { OnStepStarting = c => cache.Add(c.Engine.Context.Memory.LiveOf(BufferKind.Cache)) });
        run.Trainer.Run();
        Assert.Equal(Freezable.Select(u => (u, true, (long)step)), run.Freezing.Events.Select(e => (e.Unit, e.Frozen, e.Step)));
        Assert.All(run.Freezing.Events, e => Assert.Equal(1, e.Score!.Value, 1e-6));
        Assert.All(run.Freezing.Events, e => Assert.Equal("predictor: P(freeze) 1.000 >= 0.5", e.Reason));
        // Each history has indices, last values and a ring of three snapshots in half precision.
        int weights = run.Network.Parameters().Count(p => p.Shape.Rank >= 2 && !p.Name.StartsWith("linear.", StringComparison.Ordinal));
        Assert.Equal(weights * 16 * (4 + 4 + (3 * 2)), cache[0]);
        // The histories of frozen units go after the next step.
        Assert.Equal(0, cache[step + 1]);
    }

    [Theory]
    [InlineData(0.1, 1, 1, new[] { 5, 10, 15 })]
    [InlineData(0.5, 1, 1, new[] { 5, 5, 10, 10 })]
    [InlineData(0.1, 1, 5, new[] { 3, 7, 11, 15 })]
    [InlineData(0.1, 2, 5, new[] { 4, 9, 14, 19 })]
    public void Only_so_many_units_freeze_at_a_stage_and_the_others_windows_begin_anew(double share, int votes, int stagesPerEpoch, int[] steps)
    {
        using var policy = TestPredictor.Policy(TestPredictor.Write(_folder.Path, TestPredictor.Always), votes, stagesPerEpoch, stageShare: share);
        using var run = new FrozenRun(_device, policy, stepsPerEpoch: 5, epochs: 4);
        run.Trainer.Run();
        Assert.Equal(Freezable.Zip(steps, (unit, step) => (unit, (long)step)), run.Freezing.Events.Select(e => (e.Unit, e.Step)));
    }

    [Fact]
    public void Nothing_freezes_after_the_last_step()
    {
        using var run = Run(TestPredictor.Always, epochs: 1);
        run.Trainer.Run();
        Assert.Empty(run.Freezing.Events);
    }

    [Fact]
    public void A_window_that_an_epoch_does_not_fill_delays_the_first_stage()
    {
        using var run = Run(TestPredictor.Always, options: TestPredictor.Sizes(window: 7));
        run.Trainer.Run();
        Assert.All(run.Freezing.Events, e => Assert.Equal(10, e.Step));
        Assert.Equal(4, run.Freezing.Events.Count);
    }

    [Fact]
    public void A_predictor_that_always_says_no_changes_nothing_and_its_work_is_booked_as_freezing()
    {
        using var run = Run(TestPredictor.Never);
        using var plain = new FrozenRun(_device, new NonePolicy(), stepsPerEpoch: 5, epochs: 4);
        var result = run.Trainer.Run();
        var without = plain.Trainer.Run();
        Assert.Empty(run.Freezing.Events);
        FrozenRun.AssertSame(plain.Bytes(), run.Bytes());
        FrozenRun.AssertSame(plain.MomentumBytes(), run.MomentumBytes());
        foreach (var phase in new[] { Phase.Forward, Phase.BackwardInput, Phase.BackwardWeight, Phase.Update, Phase.Data })
        {
            Assert.Equal(without.Costs[phase] with { Seconds = 0 }, result.Costs[phase] with { Seconds = 0 });
        }

        Assert.Equal(0, without.Costs[Phase.Freeze].Launches);
        // Seven filters; a snapshot after each of 19 steps (the last step decides nothing), and at three epoch ends a window and a
        // predictor's pass: for the stem alone, behind which nothing could freeze.
        var entries = run.Engine.Context.Launches.Entries.Where(e => e.Phase == Phase.Freeze).ToList();
        Assert.Equal(7 * 19, entries.Single(e => e.Kernel == WeightSnapshotKernel.Name).Totals.Launches);
        Assert.Equal(3, entries.Single(e => e.Kernel == WeightWindowKernel.Name).Totals.Launches);
        Assert.True(result.Costs[Phase.Freeze].Flops > 0);
        Assert.InRange(run.Freezing.Seconds, 1e-9, result.TrainSeconds);
        Assert.Null(plain.Freezing.Policy.Overhead);
    }

    [Fact]
    public void In_free_mode_each_unit_goes_by_its_own_probability()
    {
        // A random predictor and a threshold between its answers: some freeze, some do not.
        double[] scores = Scores(UnitProbability.Min);
        double threshold = scores.Order().ElementAt(1);
        using var run = Run(null, threshold: threshold, epochs: 2, mode: FreezeMode.Free);
        run.Trainer.Run();
        Assert.Equal(Freezable.Where((_, u) => scores[u] >= threshold), run.Freezing.Events.Select(e => e.Unit));
        Assert.Equal(3, run.Freezing.Events.Count);
    }

    [Fact]
    public void A_unit_has_the_least_or_the_mean_of_its_tensors_probabilities()
    {
        double[] least = Scores(UnitProbability.Min), mean = Scores(UnitProbability.Mean);
        // The stem has one tensor, each block two.
        Assert.Equal(least[0], mean[0]);
        Assert.All(least.Zip(mean).Skip(1), p => Assert.True(p.First < p.Second));
    }

    [Fact]
    public void It_runs_on_the_emulated_GPU_as_on_the_CPU()
    {
        using var device = Kernels.Cuda.CudaDevice.OpenEmulated();
        var events = new List<FreezeEvent[]>();
        foreach (Device d in new Device[] { _device, device })
        {
            using var run = new FrozenRun(
                d, Policy(null, threshold: 1e-3), stepsPerEpoch: 4, epochs: 2, model: "cnn", options: new() { ["width"] = 2, ["image_size"] = 8, ["hidden"] = 4, ["num_classes"] = 3 });
            run.Trainer.Run();
            events.Add([.. run.Freezing.Events]);
        }

        Assert.Equal(["conv1", "conv2", "fc1"], events[0].Select(e => e.Unit));
        Assert.Equal(events[0].Select(e => (e.Unit, e.Step)), events[1].Select(e => (e.Unit, e.Step)));
        // The same weights to single precision; a movement near the least half float may round the other way.
        Assert.All(events[0].Zip(events[1]), p => Assert.Equal(p.First.Score!.Value, p.Second.Score!.Value, 1e-3));
    }

    [Fact]
    public void With_the_matrices_of_BERT_base_it_takes_at_most_6_MiB()
    {
        using var engine = new Engine(_device);
        using var predictor = new AttentionPredictor(ModuleScope.Root(engine, 1), new AttentionPredictorOptions());
        PredictorFile.Write(_folder["default"], predictor, []);
        using var policy = TestPredictor.Policy(_folder["default"]);
        using var network = new Stack(ModuleScope.Root(engine, 1));
        using var optimizer = new Sgd(network);
        var training = new TrainingContext(network, optimizer, stepsPerEpoch: 30, epochs: 2);
        var context = new FreezeContext(training, new Freezer(training, FreezeMode.Prefix, false), () => null);
        policy.Start(context);
        long atStart = policy.Overhead!.Bytes;
        while (training.Step < 30)
        {
            training.Step++;
            policy.Decide(context);
        }

        Assert.Equal(72, engine.Context.Launches.Entries.Single(e => e.Kernel == WeightWindowKernel.Name).Totals.Launches);
        Assert.Equal(predictor.Parameters().Sum(p => p.Shape.Count), policy.Overhead.Parameters);
        Assert.InRange(policy.Overhead.Bytes, atStart + 1, 6 << 20);
        // Histories and parameters are what the memory ledger says; the rest is the workspace of one window.
        long histories = engine.Context.Memory.LiveOf(BufferKind.Cache), parameters = policy.Overhead.Parameters * sizeof(float);
        Assert.Equal(atStart, histories + parameters);
        Assert.InRange(policy.Overhead.Bytes - atStart, 30 * 1024 * sizeof(float), 512 << 10);
    }

    [Fact]
    public void A_file_that_is_no_predictor_is_found_before_the_first_step()
    {
        using var run = new FrozenRun(_device, TestPredictor.Policy(_folder["nothing"]), stepsPerEpoch: 5, epochs: 4);
        Assert.Throws<WeightsFormatException>(() => run.Trainer.Run());
        Assert.Equal(0, run.Trainer.Context.Step);
    }

    [Fact]
    public void Everything_is_given_back()
    {
        using var run = Run(TestPredictor.Never);
        long parameters = run.Engine.Context.Memory.LiveOf(BufferKind.Parameter);
        run.Trainer.Run();
        Assert.True(run.Engine.Context.Memory.LiveOf(BufferKind.Parameter) > parameters);
        run.Freezing.Policy.Dispose();
        Assert.Equal(parameters, run.Engine.Context.Memory.LiveOf(BufferKind.Parameter));
        Assert.Equal(0, run.Engine.Context.Memory.LiveOf(BufferKind.Cache));
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    private FrozenRun Run(
        float? bias, int votes = 1, int stagesPerEpoch = 1, int epochs = 4, double threshold = 0.5, AttentionPredictorOptions? options = null, FreezeMode mode = FreezeMode.Prefix) =>
        new(_device, TestPredictor.Policy(TestPredictor.Write(_folder.Path, bias, options), votes, stagesPerEpoch, threshold), mode, stepsPerEpoch: 5, epochs: epochs);

    private SmartFrzPolicy Policy(float? bias, double threshold) => TestPredictor.Policy(TestPredictor.Write(_folder.Path, bias), threshold: threshold);

    // The probabilities that a random predictor gives the units at the first stage.
    private double[] Scores(UnitProbability combine)
    {
        var policy = new SmartFrzPolicy(new SmartFrzPolicyOptions { Predictor = TestPredictor.Write(_folder.Path, null), Threshold = 1e-9, StageShare = 1, Votes = 1, StagesPerEpoch = 1, Combine = combine });
        using var run = new FrozenRun(_device, policy, stepsPerEpoch: 5, epochs: 2);
        run.Trainer.Run();
        Assert.Equal(Freezable, run.Freezing.Events.Select(e => e.Unit));
        return [.. run.Freezing.Events.Select(e => e.Score!.Value)];
    }

    /// <summary>As many matrices as BERT-base has; what a history takes does not depend on their size.</summary>
    private sealed class Stack : Network
    {
        public Stack(ModuleScope scope)
            : base(scope)
        {
            for (int i = 0; i < 72; i++)
            {
                Add(new Linear(scope.Child(FormattableString.Invariant($"layer{i}")), 4, 4));
            }

            Add(new Linear(scope.Child("head"), 4, 2));
        }

        public override string Name => "stack";

        public override Shape InputShape { get; } = new(1, 1, 4);

        public override int NumClasses => 2;

        protected override IReadOnlyList<FreezableUnit> Blocks { get; } =
            [.. Enumerable.Range(0, 72).Select(i => new FreezableUnit(FormattableString.Invariant($"layer{i}"))), new FreezableUnit("head", ["head"], IsHead: true)];

        protected override Tensor Forward(Tensor input) => input;
    }
}
