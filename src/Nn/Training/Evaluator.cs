using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Accuracy and loss of a network on a data set, in evaluation mode, every image once.</summary>
public static class Evaluator
{
    // Counts in single precision are exact to 2^24 images: read long before that.
    private const int BatchesPerReading = 256;

    /// <summary>Evaluates a network. Its mode is restored afterwards.</summary>
    /// <param name="network">The network.</param>
    /// <param name="loader">The data, with its last batch.</param>
    /// <param name="stop">Ends the evaluation early with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The loader leaves out a last batch that is not full.</exception>
    /// <exception cref="ShapeException">The network cannot take the data, or a label is none of its classes where they are counted.</exception>
    public static EvaluationResult Evaluate(Network network, IBatchSource loader, CancellationToken stop = default)
    {
        if (loader.DropsLast && loader.ExampleCount % loader.BatchSize != 0)
        {
            throw new ArgumentException(
                $"evaluation takes every example; the loader drops the last {loader.ExampleCount % loader.BatchSize} of {loader.ExampleCount}, which fill no batch of {loader.BatchSize}");
        }

        var engine = network.Engine;
        var context = engine.Context;
        var phase = context.Phase;
        bool training = network.IsTreeTraining;
        network.SetTraining(false);
        // Evaluation is no part of training's cost: it is booked with the data.
        context.Phase = Phase.Data;
        try
        {
            using var stage = new BatchStage(network, loader);
            using var board = new ScoreBoard(engine);
            var classes = loader.CountsClasses ? new ClassCounts(network.NumClasses) : null;
            Score score = default;
            int number = 0;
            foreach (var batch in loader.Batches(0))
            {
                stop.ThrowIfCancellationRequested();
                var (inputs, targets) = stage.Load(batch);
                using (engine.NoGrad())
                using (engine.BeginStep())
                {
                    var logits = network.Call(inputs);
                    board.Add(logits, targets, logits.CrossEntropy(targets));
                    classes?.Add(logits.ToArray(), batch.Labels);
                }

                if (++number % BatchesPerReading == 0)
                {
                    score += board.Take();
                }
            }

            score += board.Take();
            return new EvaluationResult(score.Accuracy, score.MeanLoss, score.Correct, score.Rows)
            {
                Mcc = classes?.MatthewsCorrelation,
                F1 = classes?.Classes > 1 ? classes.F1 : null,
            };
        }
        finally
        {
            context.Phase = phase;
            network.SetTraining(training);
        }
    }
}
