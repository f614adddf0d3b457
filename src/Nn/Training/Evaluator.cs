using SmartFrz.Kernels;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Accuracy and loss of a network on a data set, in evaluation mode, every image once.</summary>
public static class Evaluator
{
    /// <summary>Evaluates a network. Its mode is restored afterwards.</summary>
    /// <param name="network">The network.</param>
    /// <param name="loader">The data, unshuffled and with its last batch.</param>
    /// <param name="stop">Ends the evaluation early with an <see cref="OperationCanceledException"/>.</param>
    public static EvaluationResult Evaluate(Network network, BatchLoader loader, CancellationToken stop = default)
    {
        var engine = network.Engine;
        bool training = network.IsTreeTraining;
        network.SetTraining(false);
        var context = engine.Context;
        var phase = context.Phase;
        // Evaluation is no part of training's cost: it is booked with the data.
        context.Phase = Phase.Data;
        try
        {
            using var board = new ScoreBoard(engine);
            foreach (var batch in loader.Epoch(0))
            {
                stop.ThrowIfCancellationRequested();
                using (engine.NoGrad())
                using (engine.BeginStep())
                {
                    var input = engine.FromHost(batch.Inputs, Batched(network.InputShape, loader.Data, batch.Count));
                    var targets = engine.FromHost(batch.Labels, new Shape(batch.Count));
                    var logits = network.Call(input);
                    board.Add(logits, targets, logits.CrossEntropy(targets));
                }
            }

            board.Read();
            return new EvaluationResult(board.Accuracy, board.MeanLoss, board.Correct, board.Rows);
        }
        finally
        {
            context.Phase = phase;
            network.SetTraining(training);
        }
    }

    /// <summary>The shape of a batch; a data set of another number of channels does not fit the network.</summary>
    internal static Shape Batched(Shape input, IImageDataset data, int count) =>
        data.Channels == input[0]
            ? new Shape(count, data.Channels, data.Height, data.Width)
            : throw new ShapeException($"the data has {data.Channels} channels, the network expects {input[0]}");
}
