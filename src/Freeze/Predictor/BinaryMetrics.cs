using SmartFrz.Kernels.Random;

namespace SmartFrz.Freeze;

/// <summary>How good probabilities of a yes-or-no question are.</summary>
/// <param name="Auroc">The chance that a positive example is ranked above a negative one; ties count half.</param>
/// <param name="Accuracy">The share that is right at threshold 0.5.</param>
/// <param name="CalibrationError">The expected calibration error over ten equal bins of probability.</param>
/// <param name="Brier">The mean squared error of the probabilities.</param>
/// <param name="Count">Examples.</param>
/// <param name="Positives">Examples whose answer is yes.</param>
public sealed record BinaryMetrics(double Auroc, double Accuracy, double CalibrationError, double Brier, int Count, int Positives)
{
    private const int Bins = 10;

    /// <summary>Measures probabilities against answers.</summary>
    /// <exception cref="ArgumentException">There are not as many of both, or a probability is not a number.</exception>
    public static BinaryMetrics Of(ReadOnlySpan<double> probabilities, ReadOnlySpan<bool> answers)
    {
        if (probabilities.Length != answers.Length)
        {
            throw new ArgumentException($"{probabilities.Length} probabilities for {answers.Length} answers");
        }

        int right = 0, positives = 0;
        double brier = 0;
        Span<double> sum = stackalloc double[Bins];
        Span<double> yes = stackalloc double[Bins];
        for (int i = 0; i < answers.Length; i++)
        {
            double p = probabilities[i], y = answers[i] ? 1 : 0;
            right += (p >= 0.5) == answers[i] ? 1 : 0;
            positives += answers[i] ? 1 : 0;
            brier += (p - y) * (p - y);
            int bin = Math.Clamp((int)(p * Bins), 0, Bins - 1);
            sum[bin] += p;
            yes[bin] += y;
        }

        double error = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            error += Math.Abs(sum[bin] - yes[bin]);
        }

        double n = Math.Max(1, answers.Length);
        return new BinaryMetrics(AreaUnderRoc(probabilities, answers), right / n, error / n, brier / n, answers.Length, positives);
    }

    /// <summary>
    /// The 95 % interval of the difference in AUROC between two predictors on the same examples, by resampling whole groups (runs):
    /// examples of one run resemble each other.
    /// </summary>
    /// <param name="first">Probabilities of the first predictor.</param>
    /// <param name="second">Probabilities of the second.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="groups">The group of each example.</param>
    /// <param name="resamples">Bootstrap resamples.</param>
    /// <returns>The difference first - second and its 2.5 and 97.5 percentiles.</returns>
    public static (double Difference, double Low, double High) AurocDifference(
        double[] first, double[] second, bool[] answers, string[] groups, int resamples = 2000)
    {
        var members = groups.Distinct().Select(g => Enumerable.Range(0, groups.Length).Where(i => groups[i] == g).ToArray()).ToArray();
        var differences = new List<double>(resamples);
        var random = Philox.Keyed(20240130, 95);
        ulong draw = 0;
        for (int r = 0; r < resamples; r++)
        {
            var picked = new List<int>(answers.Length);
            for (int g = 0; g < members.Length; g++)
            {
                picked.AddRange(members[random.Below(draw++, members.Length)]);
            }

            var truth = picked.Select(i => answers[i]).ToArray();
            double difference = AreaUnderRoc([.. picked.Select(i => first[i])], truth) - AreaUnderRoc([.. picked.Select(i => second[i])], truth);
            if (!double.IsNaN(difference))
            {
                differences.Add(difference);
            }
        }

        differences.Sort();
        double Percentile(double share) => differences.Count == 0 ? double.NaN : differences[(int)Math.Min(differences.Count - 1, share * differences.Count)];
        return (AreaUnderRoc(first, answers) - AreaUnderRoc(second, answers), Percentile(0.025), Percentile(0.975));
    }

    // Mann-Whitney: from the ranks of the positives, ties at their mean rank.
    private static double AreaUnderRoc(ReadOnlySpan<double> probabilities, ReadOnlySpan<bool> answers)
    {
        var order = new int[probabilities.Length];
        var keys = probabilities.ToArray();
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            if (double.IsNaN(keys[i]))
            {
                throw new ArgumentException($"probability {i} is not a number");
            }
        }

        Array.Sort(keys, order);
        double rankSum = 0;
        long positives = 0;
        for (int i = 0; i < keys.Length;)
        {
            int end = i;
            while (end < keys.Length && keys[end] == keys[i])
            {
                end++;
            }

            double rank = (i + 1 + end) / 2.0;
            for (; i < end; i++)
            {
                if (answers[order[i]])
                {
                    rankSum += rank;
                    positives++;
                }
            }
        }

        long negatives = keys.Length - positives;
        return positives == 0 || negatives == 0 ? double.NaN : (rankSum - (positives * (positives + 1) / 2.0)) / positives / negatives;
    }
}
