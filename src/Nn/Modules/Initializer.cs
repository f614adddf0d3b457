using System.Text;
using SmartFrz.Kernels.Random;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>How the initial values of a parameter are drawn.</summary>
/// <remarks>Source: PyTorch's <c>torch.nn.init</c>; the defaults of its layers are <see cref="KaimingUniform"/> and <see cref="FanInUniform"/>.</remarks>
public abstract class Initializer
{
    /// <summary>All zero.</summary>
    public static Initializer Zero { get; } = new Constant(0f);

    /// <summary>All one.</summary>
    public static Initializer One { get; } = new Constant(1f);

    /// <summary>
    /// Uniform in [-b, b] with b = 1/sqrt(fan_in): what PyTorch's Linear and Conv2d use for weights (kaiming_uniform with
    /// a = sqrt(5)); fan_in is the product of all extents but the first.
    /// </summary>
    public static Initializer KaimingUniform { get; } = new UniformFanIn(null);

    /// <summary>Uniform in [-b, b] with b = 1/sqrt(fan_in), for a bias whose weight has that fan-in.</summary>
    public static Initializer FanInUniform(int fanIn) => new UniformFanIn(fanIn);

    /// <summary>Normal with standard deviation sqrt(2 / fan_out): kaiming_normal for ReLU, mode fan_out, as torchvision's ResNets use.</summary>
    public static Initializer KaimingNormalFanOut { get; } = new NormalFanOut();

    /// <summary>Normal with that mean and standard deviation.</summary>
    public static Initializer Normal(float mean, float deviation) => new NormalFixed(mean, deviation);

    /// <summary>The same, but for one row of a matrix, which is zero.</summary>
    public Initializer WithZeroRow(int row) => new ZeroRow(this, row);

    /// <summary>Draws the values; the same (seed, name) gives the same values everywhere.</summary>
    public void Fill(Span<float> values, Shape shape, ulong seed, string name) => Fill(values, shape, Philox.Keyed(seed, StableHash(name)));

    /// <summary>Draws the values from a generator.</summary>
    protected abstract void Fill(Span<float> values, Shape shape, Philox random);

    // FNV-1a, 64 bit: string.GetHashCode differs from process to process.
    internal static ulong StableHash(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ b) * 1099511628211;
        }

        return hash;
    }

    private static int Receptive(Shape shape)
    {
        int size = 1;
        for (int i = 2; i < shape.Rank; i++)
        {
            size *= shape[i];
        }

        return size;
    }

    private sealed class ZeroRow(Initializer values, int row) : Initializer
    {
        protected override void Fill(Span<float> all, Shape shape, Philox random)
        {
            values.Fill(all, shape, random);
            all.Slice(row * shape[1], shape[1]).Clear();
        }
    }

    private sealed class Constant(float value) : Initializer
    {
        protected override void Fill(Span<float> values, Shape shape, Philox random) => values.Fill(value);
    }

    private sealed class UniformFanIn(int? fanIn) : Initializer
    {
        protected override void Fill(Span<float> values, Shape shape, Philox random)
        {
            float bound = 1f / MathF.Sqrt(fanIn ?? (shape[1] * Receptive(shape)));
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = ((2f * random.Uniform((ulong)i)) - 1f) * bound;
            }
        }
    }

    private sealed class NormalFanOut : Initializer
    {
        protected override void Fill(Span<float> values, Shape shape, Philox random)
        {
            float deviation = MathF.Sqrt(2f / (shape[0] * Receptive(shape)));
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = random.Normal((ulong)i) * deviation;
            }
        }
    }

    private sealed class NormalFixed(float mean, float deviation) : Initializer
    {
        protected override void Fill(Span<float> values, Shape shape, Philox random)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = mean + (random.Normal((ulong)i) * deviation);
            }
        }
    }
}
