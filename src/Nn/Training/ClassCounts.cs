using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>How often which class was answered for which: accuracy, Matthews correlation and F1 follow from it.</summary>
public sealed class ClassCounts
{
    private readonly long[,] _counts;

    /// <summary>Nothing counted yet.</summary>
    /// <param name="classes">The number of classes.</param>
    public ClassCounts(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        _counts = new long[classes, classes];
    }

    /// <summary>The number of classes.</summary>
    public int Classes => _counts.GetLength(0);

    /// <summary>Examples counted.</summary>
    public long Total { get; private set; }

    /// <summary>How many examples of a class got an answer.</summary>
    /// <param name="label">Their class.</param>
    /// <param name="answer">The answer.</param>
    public long this[int label, int answer] => _counts[label, answer];

    /// <summary>The share of right answers; NaN before the first.</summary>
    public double Accuracy
    {
        get
        {
            long right = 0;
            for (int i = 0; i < Classes; i++)
            {
                right += _counts[i, i];
            }

            return (double)right / Total;
        }
    }

    /// <summary>
    /// The Matthews correlation of labels and answers, for more than two classes Gorodkin's generalisation: 1 for all right, 0 for answers
    /// that do not depend on the label.
    /// </summary>
    /// <remarks>Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient" (2004).</remarks>
    public double MatthewsCorrelation
    {
        get
        {
            // Sums of squares of counts go beyond a long from 2^32 examples on.
            double right = 0, together = 0, labels = 0, answers = 0, total = Total;
            for (int i = 0; i < Classes; i++)
            {
                double label = 0, answer = 0;
                for (int j = 0; j < Classes; j++)
                {
                    label += _counts[i, j];
                    answer += _counts[j, i];
                }

                right += _counts[i, i];
                together += label * answer;
                labels += label * label;
                answers += answer * answer;
            }

            double scale = Math.Sqrt(((total * total) - labels) * ((total * total) - answers));
            return scale == 0 ? 0 : ((right * total) - together) / scale;
        }
    }

    /// <summary>The F1 of class 1, the harmonic mean of its precision and recall; 0 where it was neither there nor answered.</summary>
    /// <exception cref="InvalidOperationException">There is one class only.</exception>
    public double F1
    {
        get
        {
            if (Classes < 2)
            {
                throw new InvalidOperationException("F1 is that of class 1, there is class 0 only");
            }

            long right = _counts[1, 1], wrong = -2 * right;
            for (int i = 0; i < Classes; i++)
            {
                wrong += _counts[1, i] + _counts[i, 1];
            }

            return right + wrong == 0 ? 0 : 2.0 * right / ((2.0 * right) + wrong);
        }
    }

    /// <summary>Counts an answer.</summary>
    public void Add(int label, int answer)
    {
        _counts[label, answer]++;
        Total++;
    }

    /// <summary>Counts the answers of a batch: the largest logit, the first of equal ones.</summary>
    /// <param name="logits">(N, classes).</param>
    /// <param name="labels">(N).</param>
    /// <exception cref="ShapeException">A label is none of the classes.</exception>
    public void Add(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0 || labels[i] >= Classes)
            {
                throw new ShapeException($"the data have a label {labels[i]}, the network has {Classes} classes");
            }

            var row = logits.Slice(i * Classes, Classes);
            int answer = 0;
            for (int j = 1; j < Classes; j++)
            {
                answer = row[j] > row[answer] ? j : answer;
            }

            Add(labels[i], answer);
        }
    }
}
