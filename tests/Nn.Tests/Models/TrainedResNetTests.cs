using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>
/// A ResNet-20 trained by others on CIFAR-10 gives the logits that PyTorch computes in double precision from the same weights.
/// </summary>
public sealed class TrainedResNetTests
{
    private const string Folder = "cifar10-resnet20", Weights = Folder + "/resnet20.safetensors", Images = Folder + "/check-images.bin";
    private const int Side = 32, Pixels = 3 * Side * Side;

    // The mean and deviation that the network was trained with, for red, green and blue.
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f], Deviation = [0.229f, 0.224f, 0.225f];

    // Pixel (37 c + 11 y + 5 x + x y) mod 256.
    private static readonly double[] OfFormula = [10.35792, 21.63460, -2.68025, -3.70833, -15.01476, -8.19359, -5.39847, -7.78025, 0.52617, 10.19101];

    // Test images of CIFAR-10, each class at least once: label and logits.
    private static readonly (byte Label, double[] Logits)[] OfImages =
    [
        (0, [7.89011, -1.08766, 2.63423, -1.01254, -2.83701, -6.95334, -3.34811, -6.49845, 6.97379, 4.20975]),
        (0, [11.03959, -5.71073, -1.89393, 7.97444, -0.11816, 1.97463, -3.23808, -3.30631, -1.34276, -5.48161]),
        (0, [12.76395, -4.86728, 1.89628, 6.10458, -11.17170, 1.02679, 3.58156, -5.42810, -3.06401, -0.87270]),
        (0, [7.43234, -2.50880, -2.06952, -2.55989, 4.21321, -3.29821, 4.05632, -2.69109, -1.16408, -1.43392]),
        (0, [13.54049, 0.82054, 1.28114, -8.11999, 2.60828, -6.70352, -4.62300, -2.31017, 3.29489, 0.16618]),
        (0, [3.01836, -3.48107, 6.89985, -2.12831, -1.50086, -0.67119, 0.40242, 1.49241, -2.40380, -1.65895]),
        (0, [14.02314, -2.04249, -7.20166, -7.33599, -0.19159, -10.06959, -1.46137, 3.20757, 4.09222, 6.96912]),
        (0, [16.91853, 4.18152, -4.01006, -4.40949, 2.35983, -7.69654, -6.79518, -2.10035, 3.26637, -1.81214]),
        (1, [-3.84901, 14.13663, -4.07982, 5.57618, -2.67205, -1.59166, -2.19577, -4.09360, -3.38726, 2.09777]),
        (2, [-5.24331, -6.34341, 9.34864, 7.14381, 3.63756, 2.33788, -3.00414, -5.10542, -2.75167, -0.03231]),
        (3, [-5.82262, -2.19215, -0.89187, 14.52737, -0.91920, 3.06110, 2.26357, -5.13822, 1.47916, -6.42606]),
        (4, [-0.23774, -4.54884, 0.50147, 0.17387, 7.44701, -5.36379, 2.00673, -4.62190, 6.79386, -2.20286]),
        (5, [-8.98436, -3.95426, -5.56269, 6.84795, 10.74728, 12.96699, 5.60717, -2.18266, -7.34722, -8.17304]),
        (6, [-7.23464, -0.96069, 4.07751, 2.98152, 0.80726, -2.92778, 17.45558, -8.10946, -4.22437, -1.81720]),
        (7, [-9.56952, -2.39744, -1.35903, 3.21857, -3.72676, 0.41544, -3.76467, 18.15647, -2.42830, 1.42027]),
        (8, [6.68899, 9.54213, -6.07626, -5.29492, -8.22096, -7.99711, -4.53017, -8.14597, 25.48603, -1.55000]),
        (9, [-2.98226, -0.16131, -2.85763, -3.27619, -6.16909, -8.09874, -6.01203, 1.81405, 4.39996, 23.39801]),
    ];

    [DataFact(Weights)]
    public void Logits_of_a_computed_image()
    {
        var pixels = new byte[Pixels];
        for (int i = 0; i < Pixels; i++)
        {
            int c = i / (Side * Side), y = i / Side % Side, x = i % Side;
            pixels[i] = (byte)((37 * c) + (11 * y) + (5 * x) + (x * y));
        }

        foreach (CpuIsa? isa in (CpuIsa?[])[null, CpuIsa.Vector128])
        {
            AssertClose(OfFormula, Logits(pixels, isa));
        }
    }

    [DataFact(Weights, Images)]
    public void Logits_of_real_images()
    {
        byte[] records = File.ReadAllBytes(DataFolder.Path(Images));
        Assert.Equal(OfImages.Length * (Pixels + 1), records.Length);
        byte[] pixels = [.. OfImages.SelectMany((_, i) => records.Skip((i * (Pixels + 1)) + 1).Take(Pixels))];
        Assert.Equal(OfImages.Select(i => i.Label), OfImages.Select((_, i) => records[i * (Pixels + 1)]));

        AssertClose([.. OfImages.SelectMany(i => i.Logits)], Logits(pixels, null));
    }

    private static float[] Logits(byte[] pixels, CpuIsa? isa)
    {
        using var device = new CpuDevice(2, isa);
        using var engine = new Engine(device);
        using var network = (CifarResNet)ModelZoo.Build(ModuleScope.Root(engine, 1), "resnet20");
        WeightsFile.Load(network, DataFolder.Path(Weights));
        network.SetTraining(false);
        int count = pixels.Length / Pixels;
        float[] inputs = [.. pixels.Select((p, i) => ((p / 255f) - Mean[i / (Side * Side) % 3]) / Deviation[i / (Side * Side) % 3])];
        using (engine.NoGrad())
        using (engine.BeginStep())
        {
            return network.Call(engine.FromHost<float>(inputs, new Shape(count, 3, Side, Side))).ToArray();
        }
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-3, $"logit {i % 10} of image {i / 10} is {actual[i]}, expected {expected[i]}");
        }
    }
}
