
namespace SmartFrz.Tensors.Verification;

/// <summary>Losses of one number for each element.</summary>
internal sealed class LossCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(1), new Shape(3, 7), new Shape(2, 37) })
        {
            yield return new OpCase
            {
                Name = $"mean squared error {shape}",
                Inputs = [shape, shape],
                Apply = (_, x) => x[0].MeanSquaredError(x[1]),
                Reference = x => [x[0].Zip(x[1], (a, b) => (a - b) * (a - b)).Average()],
            };
            yield return new OpCase
            {
                Name = $"binary cross entropy with logits {shape}",
                Inputs = [shape, shape],
                Apply = (_, x) => x[0].BinaryCrossEntropyWithLogits(x[1]),
                Reference = x => [x[0].Zip(x[1], (v, t) => -((t * Math.Log(1 / (1 + Math.Exp(-v)))) + ((1 - t) * Math.Log(1 / (1 + Math.Exp(v)))))).Average()],
                Sample = (operand, u) => operand == 0 ? 6 * u : 0.5 + (0.5 * u),
            };
        }
    }
}
