using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli.Tests;

/// <summary>The files that <c>step</c> and <c>logits</c> read.</summary>
internal static class StepFiles
{
    /// <summary>Writes a batch of images drawn from a fixed seed and answers its path.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="shape">(N,C,H,W).</param>
    /// <param name="target">The labels; null for none.</param>
    /// <param name="name">The file's name.</param>
    public static string Batch(TemporaryFolder folder, int[] shape, long[]? target, string name = "input.safetensors")
    {
        var random = new Random(7);
        float[] values = [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => (float)((4 * random.NextDouble()) - 2))];
        var file = new SafeTensors();
        file.Tensors.Add("input", StoredTensor.Of(values, shape));
        if (target is not null)
        {
            file.Tensors.Add("target", StoredTensor.Of(target, target.Length));
        }

        file.Write(folder[name]);
        return folder[name];
    }

    public static double[] Numbers(this SafeTensors file, string name) => file.Tensors[name].ToDoubles();

    /// <summary>The names that begin so, without that beginning.</summary>
    public static IEnumerable<string> Names(this SafeTensors file, string prefix) =>
        file.Tensors.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]);
}
