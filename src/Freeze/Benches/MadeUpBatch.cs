using SmartFrz.Kernels.Random;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>A made-up batch of what a network takes.</summary>
internal static class MadeUpBatch
{
    // The stream of the generator.
    private const ulong TokenStream = 0x746F6B656E;

    /// <summary>Makes a batch.</summary>
    /// <param name="network">The network.</param>
    /// <param name="count">Examples.</param>
    /// <param name="seed">The seed of the values.</param>
    /// <param name="size">Rows and columns of images; null for the network's own.</param>
    /// <param name="length">Tokens of texts; null for the network's own.</param>
    /// <exception cref="OptionException">It takes the other of both.</exception>
    public static TensorBatch Of(Network network, int count, ulong seed, int? size, int? length) =>
        network.Inputs[0].Name == InputSpec.Image
            ? length is null ? Images(network, count, seed, size) : throw new OptionException($"option 'data.length' is of texts, {network.Name} takes images")
            : size is null ? Texts(network, count, seed, length ?? network.InputShape[0]) : throw new OptionException($"option 'data.size' is of images, {network.Name} takes texts");

    private static TensorBatch Images(Network network, int count, ulong seed, int? size)
    {
        var shape = network.InputShape;
        var (height, width) = (size ?? shape[1], size ?? shape[2]);
        var data = new SyntheticDataset(count, network.NumClasses, shape[0], height, width, noise: 0.75, seed);
        var pixels = new byte[shape[0] * height * width];
        var input = new float[(long)count * pixels.Length];
        for (int image = 0; image < count; image++)
        {
            data.Read(image, pixels);
            for (int i = 0; i < pixels.Length; i++)
            {
                // About as wide as normalised images.
                input[(image * pixels.Length) + i] = ((pixels[i] / 255f) - 0.5f) / 0.25f;
            }
        }

        return new TensorBatch(new Shape(count, shape[0], height, width), input, [.. Enumerable.Range(0, count).Select(i => (long)data.Label(i))]);
    }

    // Tokens of the whole vocabulary, no padding: the most work of that length.
    private static TensorBatch Texts(Network network, int count, ulong seed, int length)
    {
        var spec = network.Inputs[0];
        var random = Philox.Keyed(seed, TokenStream);
        var shape = new Shape(count, length);
        var tokens = new int[count * length];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = (int)(random.Uniform((ulong)i) * (spec.Limit ?? 1));
        }

        return new TensorBatch(
            [new HostInput(spec.Name, shape, tokens)],
            [.. Enumerable.Range(0, count).Select(i => (long)(i % network.NumClasses))]);
    }
}
