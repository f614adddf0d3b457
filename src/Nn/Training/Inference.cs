using SmartFrz.Kernels;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Forward passes alone.</summary>
public static class Inference
{
    // Examples of one pass: as many as an evaluation takes, so that a batch of any size fits where that does.
    private const int LargestPass = 256;

    /// <summary>A network's logits in evaluation mode, as F32 (N, classes). Its mode is restored afterwards.</summary>
    /// <exception cref="ShapeException">The batch does not fit the network.</exception>
    public static StoredTensor Logits(Network network, TensorBatch batch)
    {
        batch.Check(network);
        var engine = network.Engine;
        var phase = engine.Context.Phase;
        bool training = network.IsTreeTraining;
        network.SetTraining(false);
        engine.Context.Phase = Phase.Data;
        try
        {
            var logits = new float[batch.Count * network.NumClasses];
            for (int first = 0; first < batch.Count; first += LargestPass)
            {
                int count = Math.Min(LargestPass, batch.Count - first);
                HostInput[] examples = [.. batch.Inputs.Select(i => i.Examples(first, count))];
                using var inputs = new StagedInputs(network, examples);
                inputs.Load(examples);
                using (engine.NoGrad())
                using (engine.BeginStep())
                {
                    network.Call(inputs.Tensors).ToArray().CopyTo(logits, first * network.NumClasses);
                }
            }

            return StoredTensor.Of(logits, batch.Count, network.NumClasses);
        }
        finally
        {
            engine.Context.Phase = phase;
            network.SetTraining(training);
        }
    }
}
