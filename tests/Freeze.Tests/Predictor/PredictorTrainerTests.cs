using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

public sealed class PredictorTrainerTests
{
    private static readonly int[] Learned = [.. Enumerable.Range(0, 160)], HeldOut = [.. Enumerable.Range(160, 80)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_learns_what_can_be_read_off_and_evaluates_on_what_it_has_not_seen(bool additive)
    {
        var data = ToyHistories.Make(240);
        var losses = new List<double>();
        var evaluation = Train(data, Options(additive), losses, predictor => PredictorEvaluation.Of(predictor, data, Learned, HeldOut));
        Assert.True(evaluation.Attention.Auroc > 0.95, $"AUROC {evaluation.Attention.Auroc}");
        Assert.True(evaluation.Attention.Accuracy > 0.85, $"accuracy {evaluation.Attention.Accuracy}");
        Assert.True(losses[^1] < 0.5 * losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
        Assert.Equal(80, evaluation.Attention.Count);
        Assert.Equal(HeldOut.Count(i => data.Records[i].Freeze), evaluation.Attention.Positives);
        // Time says nothing here.
        Assert.InRange(evaluation.TimeOnly.Auroc, 0.3, 0.7);
        Assert.InRange(evaluation.BeatsTimeBy.Difference, evaluation.BeatsTimeBy.Low, evaluation.BeatsTimeBy.High);
        Assert.Equal(evaluation.Attention.Auroc - evaluation.TimeOnly.Auroc, evaluation.BeatsTimeBy.Difference, 12);
        Assert.Equal(["net0", "net1"], evaluation.ByModel.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(80, evaluation.ByModel.Values.Sum(m => m.Count));
        Assert.Equal(4, evaluation.HeldOutRuns.Count);
        bool majority = Learned.Count(i => data.Records[i].Freeze) * 2 >= Learned.Length;
        Assert.Equal(HeldOut.Count(i => data.Records[i].Freeze == majority) / 80.0, evaluation.MajorityAccuracy, 12);
    }

    [Fact]
    public void Networks_that_the_predictor_has_not_learned_from_are_marked()
    {
        var data = ToyHistories.Make(64);
        int[] first = [.. Enumerable.Range(0, 64).Where(i => data.Records[i].Model == "net0")];
        int[] all = [.. Enumerable.Range(0, 64)];
        var (own, other, asked) = Train(
            data,
            Options(additive: false) with { Epochs = 2 },
            [],
            p => (PredictorEvaluation.Of(p, data, first, all), PredictorEvaluation.Of(p, data, all, first), PredictorEvaluation.Of(p, data, all, all, ["net1/toy/3"])),
            first);
        Assert.Equal(["net1"], own.UnseenModels);
        Assert.Equal(["net0/toy/0", "net0/toy/2"], own.LearnedHeldOutRuns.Order(StringComparer.Ordinal));
        Assert.Empty(other.UnseenModels);

        // What the baselines learn from is not what the predictor has learned from.
        Assert.Equal(["net0"], asked.UnseenModels);
        Assert.Equal(["net1/toy/3"], asked.LearnedHeldOutRuns);
        Assert.Equal(own.Attention, asked.Attention);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits()
    {
        var data = ToyHistories.Make(64);
        var options = Options(additive: false) with { Epochs = 3 };
        float[] Weights(ulong seed) => Train(data, options with { Seed = seed }, [], p => p.Parameters().SelectMany(q => q.Value.ToArray()).ToArray(), 64);
        Assert.Equal(Weights(1), Weights(1));
        Assert.NotEqual(Weights(1), Weights(2));
    }

    [Fact]
    public void Predictions_are_probabilities_in_the_order_of_the_indices()
    {
        var data = ToyHistories.Make(40);
        var (all, some) = Train(
            data,
            Options(additive: false) with { Epochs = 2 },
            [],
            p => (PredictorTrainer.Predict(p, data, [.. Enumerable.Range(0, 40)]), PredictorTrainer.Predict(p, data, [7, 3])),
            40);
        Assert.All(all, p => Assert.InRange(p, 0, 1));
        Assert.Equal([all[7], all[3]], some);
    }

    [Fact]
    public void Nothing_to_learn_from_is_an_error()
    {
        var data = ToyHistories.Make(4);
        Assert.Throws<OptionException>(() => Train(data, Options(false), [], _ => 0, 0));
        Assert.Throws<OptionException>(() => Train(data, Options(false) with { Batch = 0 }, [], _ => 0, 4));
        Assert.Throws<OptionException>(() => Train(data, Options(false) with { Epochs = 0 }, [], _ => 0, 4));
    }

    [Fact]
    public void Training_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using var device = new CpuDevice(threads: 1);
        using var engine = new Engine(device);
        Assert.Throws<OperationCanceledException>(() => new PredictorTrainer(engine, Options(false)).Train(ToyHistories.Make(40), [0, 1, 2], stop: stop.Token));
    }

    private static PredictorTrainingOptions Options(bool additive) =>
        new() { Epochs = 25, Batch = 16, Lr = 5e-3f, Predictor = TestPredictor.Sizes(additive: additive) with { Hidden = [16, 16] } };

    private static T Train<T>(HistoryDataset data, PredictorTrainingOptions options, List<double> losses, Func<AttentionPredictor, T> use, int count = 160) =>
        Train(data, options, losses, use, Learned[..count]);

    private static T Train<T>(HistoryDataset data, PredictorTrainingOptions options, List<double> losses, Func<AttentionPredictor, T> use, int[] learned)
    {
        using var device = new CpuDevice(threads: 2);
        using var engine = new Engine(device);
        using var predictor = new PredictorTrainer(engine, options).Train(data, learned, (_, loss) => losses.Add(loss));
        return use(predictor);
    }
}
