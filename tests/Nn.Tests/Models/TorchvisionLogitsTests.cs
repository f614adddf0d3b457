using System.Globalization;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>
/// The networks that torchvision has too give its logits, from weights and images made by formulas. The expected ones are printed by
/// <c>bench/peers/model_logits.py</c>, which computes in double precision.
/// </summary>
public sealed class TorchvisionLogitsTests
{
    private const int Side = 32, Classes = 10;

    public static TheoryData<string, string, double[]> Expected { get; } = new()
    {
        {
            "resnet18",
            "imagenet",
            [
                3.217842, 1.814594, -0.5784452, 14.9176, 9.844134, -0.1000937, 10.10369, -9.009517, 8.056552, -5.947366,
                6.710701, -1.785898, -0.945227, 24.12382, 7.873269, 0.1209356, 6.190968, -9.737962, 10.23667, -0.8421944,
            ]
        },
        {
            "resnet18",
            "cifar",
            [
                8.720209, -13.67292, 18.18799, 38.13447, 20.40666, -25.60629, 17.22738, 4.795956, 29.7418, -8.553249,
                14.08503, -16.36717, 20.34096, 42.00195, 19.63093, -24.1843, 12.25857, 6.997307, 30.56721, -7.931534,
            ]
        },
        {
            "resnet50",
            "imagenet",
            [
                -241.9328, 108.2055, 248.845, 1064.517, 213.9153, -12.69243, 828.959, -6.920692, -125.3219, -420.6852,
                -180.7747, 75.7788, 272.677, 1109.599, 361.5699, 22.24436, 769.986, 112.7274, -41.30016, -611.7623,
            ]
        },
        {
            "vgg11",
            "cifar",
            [
                3.050191, 2.46584, 1.186864, -1.001522, 1.584888, -1.241517, -1.727829, 3.896023, 0.6919601, 0.9421876,
                2.906906, 2.185368, 1.365575, -0.7783002, 1.642459, -1.272988, -1.626578, 4.05763, 0.6003606, 0.5837245,
            ]
        },
        {
            "vgg11_bn",
            "cifar",
            [
                -2.690956, 1.445327, 1.891985, 0.6501379, -0.1895423, -2.548206, -2.361944, -0.6559334, 2.9134, -2.846899,
                -2.689204, 1.010463, 1.747545, 0.2202338, -0.5851371, -1.99758, -2.916727, -0.7223608, 2.676061, -3.052554,
            ]
        },
        {
            "mobilenet_v2",
            "imagenet",
            [
                0.7925534, -1.449248, 2.226102, 1.707032, -2.466361, -0.6627786, -1.604021, 2.222013, -3.995836, 3.117765,
                0.6096671, -0.7648665, 1.176807, 2.81207, -3.077252, -1.232886, -0.1658517, 2.917681, -4.379505, 4.801106,
            ]
        },
        {
            "mobilenet_v2",
            "cifar",
            [
                -2.419051, -0.2329212, 1.722417, -0.1670707, -0.8393212, -1.814743, -2.229014, -0.4386697, -4.587868, 0.9675533,
                -2.152719, 0.6089948, 1.582081, -0.3845642, -2.023869, -1.61665, -2.03411, -1.862563, -5.257147, 0.8359795,
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Expected))]
    public void Logits_are_those_of_torchvision(string name, string form, double[] expected)
    {
        using var test = new TestEngine();
        string options = name.StartsWith("vgg", StringComparison.Ordinal) ? "" : $",\"stem\":\"{form}\"";
        using var network = ModelTests.Build(test, name, string.Create(CultureInfo.InvariantCulture, $$"""{"num_classes":{{Classes}},"image_size":{{Side}}{{options}}}"""));
        Fill(network);
        network.SetTraining(false);
        double largest = expected.Max(Math.Abs);
        foreach (bool grad in new[] { true, false })
        {
            // With gradients the layers run one by one; without them a convolution and its normalisation are one kernel.
            using var step = test.Engine.BeginStep();
            using IDisposable? mode = grad ? null : test.Engine.NoGrad();
            float[] logits = network.Call(Images(test.Engine, expected.Length / Classes)).ToArray();
            Assert.Equal(expected.Length, logits.Length);
            double error = logits.Zip(expected, (a, b) => Math.Abs(a - b)).Max() / largest;
            Assert.True(error < Tolerance, $"{name}, {form}: off by {error:E1} of the largest logit");
        }
    }

    // Single precision (6e-8) through up to fifty layers that double a relative error at most every few.
    private const double Tolerance = 1e-5;

    // As bench/peers/model_logits.py.
    private static void Fill(Network network)
    {
        uint stream = 0;
        var tensors = StateDict.Read(network).Keys.ToDictionary(k => k, _ => (Tensor?)null);
        foreach (var parameter in network.Parameters())
        {
            tensors[parameter.Name] = parameter.Value;
        }

        foreach (var buffer in network.Buffers())
        {
            tensors[buffer.Name] = buffer.Value;
        }

        foreach (var (name, tensor) in tensors.Where(t => t.Value is not null))
        {
            float[] values = Numbers((int)tensor!.Shape.Count, stream++);
            bool isFactor = name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal);
            float bound = tensor.Shape.Rank > 1 ? (float)Math.Sqrt(6.0 / (tensor.Shape.Count / tensor.Shape[0])) : 0;
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = tensor.Shape.Rank > 1 ? values[i] * bound : isFactor ? 1 + (values[i] / 2) : values[i] / 4;
            }

            tensor.CopyFrom(values);
        }
    }

    private static float[] Numbers(int count, uint stream)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            uint x = (uint)i + (stream * 0x9E3779B9);
            x = (x ^ (x >> 16)) * 0x7FEB352D;
            x = (x ^ (x >> 15)) * 0x846CA68B;
            x ^= x >> 16;
            values[i] = ((x >> 8) * (1f / (1 << 23))) - 1f;
        }

        return values;
    }

    private static Tensor Images(Engine engine, int count)
    {
        var shape = new Shape(count, 3, Side, Side);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            int x = i % Side, y = i / Side % Side, c = i / (Side * Side) % 3, n = i / (3 * Side * Side);
            values[i] = (((17 * n) + (37 * c) + (11 * y) + (5 * x) + (x * y)) % 256 / 128f) - 1f;
        }

        return engine.FromHost<float>(values, shape);
    }
}
