namespace SmartFrz.Freeze;

/// <summary>How a predictor does on runs it has not seen, beside what simpler means would do.</summary>
/// <param name="Attention">The predictor.</param>
/// <param name="TimeOnly">Logistic regression on the share of the run that is done.</param>
/// <param name="LastMinusFirst">Logistic regression on how far the window's weights moved from first to last.</param>
/// <param name="MajorityAccuracy">The accuracy of always giving the training runs' commoner answer.</param>
/// <param name="BeatsTimeBy">Attention's AUROC minus time only's, with its 95 % interval over runs.</param>
/// <param name="ByModel">The predictor's figures for each network.</param>
/// <param name="HeldOutRuns">The runs evaluated on.</param>
/// <param name="TrainingRuns">The runs that the predictor has learned from.</param>
public sealed record PredictorEvaluation(
    BinaryMetrics Attention,
    BinaryMetrics TimeOnly,
    BinaryMetrics LastMinusFirst,
    double MajorityAccuracy,
    DifferenceInterval BeatsTimeBy,
    IReadOnlyDictionary<string, BinaryMetrics> ByModel,
    IReadOnlyList<string> HeldOutRuns,
    IReadOnlyList<string> TrainingRuns)
{
    /// <summary>The networks evaluated on of which the predictor has learned from no run.</summary>
    public IReadOnlyList<string> UnseenModels => [.. ByModel.Keys.Where(m => !TrainingRuns.Any(r => r.StartsWith(m + "/", StringComparison.Ordinal)))];

    /// <summary>The runs evaluated on that the predictor has learned from all the same: on them it shows its memory.</summary>
    public IReadOnlyList<string> LearnedHeldOutRuns => [.. HeldOutRuns.Intersect(TrainingRuns)];

    /// <summary>Evaluates a predictor on held-out examples; the baselines are fitted to the training examples.</summary>
    /// <param name="predictor">The predictor.</param>
    /// <param name="data">The examples.</param>
    /// <param name="training">Those that the baselines learn from.</param>
    /// <param name="heldOut">Those evaluated on.</param>
    /// <param name="learnedRuns">The runs that the predictor has learned from; null for those of <paramref name="training"/>.</param>
    public static PredictorEvaluation Of(
        AttentionPredictor predictor, HistoryDataset data, IReadOnlyList<int> training, IReadOnlyList<int> heldOut, IReadOnlyList<string>? learnedRuns = null)
    {
        bool[] answers = [.. heldOut.Select(i => data.Records[i].Freeze)];
        bool[] learned = [.. training.Select(i => data.Records[i].Freeze)];
        double[] attention = PredictorTrainer.Predict(predictor, data, heldOut);
        double[] time = Baseline(data, training, heldOut, learned, i => [data.Records[i].Progress]);
        double[] moved = Baseline(data, training, heldOut, learned, i => [LogMovement(data, i)]);
        bool majority = learned.Count(l => l) * 2 >= learned.Length;
        string[] runs = [.. heldOut.Select(i => data.Records[i].Run)];
        var (difference, low, high) = BinaryMetrics.AurocDifference(attention, time, answers, runs);
        var byModel = Enumerable.Range(0, heldOut.Count)
            .GroupBy(k => data.Records[heldOut[k]].Model)
            .ToDictionary(g => g.Key, g => BinaryMetrics.Of([.. g.Select(k => attention[k])], [.. g.Select(k => answers[k])]), StringComparer.Ordinal);
        return new PredictorEvaluation(
            BinaryMetrics.Of(attention, answers),
            BinaryMetrics.Of(time, answers),
            BinaryMetrics.Of(moved, answers),
            answers.Length == 0 ? double.NaN : answers.Count(a => a == majority) / (double)answers.Length,
            new DifferenceInterval(difference, low, high),
            byModel,
            [.. runs.Distinct()],
            learnedRuns ?? [.. training.Select(i => data.Records[i].Run).Distinct()]);
    }

    private static double[] Baseline(HistoryDataset data, IReadOnlyList<int> training, IReadOnlyList<int> heldOut, bool[] learned, Func<int, double[]> features)
    {
        var model = LogisticBaseline.Fit([.. training.Select(features)], learned);
        return [.. heldOut.Select(i => model.Predict(features(i)))];
    }

    // The root mean square of how far the weights stand, at the newest snapshot, from where the window began.
    private static double LogMovement(HistoryDataset data, int index)
    {
        var newest = data.Window(index)[^data.Options.Samples..];
        double squares = 0;
        foreach (Half compressed in newest)
        {
            double moved = Math.Sinh((double)compressed) * data.Options.Unit;
            squares += moved * moved;
        }

        // A layer that does not move at all must not give minus infinity.
        return Math.Log(Math.Sqrt(squares / data.Options.Samples) + 1e-9);
    }
}

/// <summary>A difference with its 95 % interval.</summary>
public sealed record DifferenceInterval(double Difference, double Low, double High);
