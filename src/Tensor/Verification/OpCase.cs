using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Verification;

/// <summary>
/// One operation at one set of shapes: how our engine computes it, and what it should compute, in double precision. Shared by
/// <see cref="DeviceCheck"/> and the tests of values, gradients (every subset of needed ones) and CPU against CUDA.
/// </summary>
internal sealed class OpCase
{
    /// <summary>Unique: operation and shapes.</summary>
    public required string Name { get; init; }

    /// <summary>The shapes of the differentiable operands.</summary>
    public required IReadOnlyList<Shape> Inputs { get; init; }

    /// <summary>Runs the operation in our engine.</summary>
    public required Func<Engine, Tensor[], Tensor> Apply { get; init; }

    /// <summary>The same in double precision, operands and result flattened row-major.</summary>
    public required Func<double[][], double[]> Reference { get; init; }

    /// <summary>The largest error of an output, as a share of the largest output.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>The largest error of a gradient, as a share of the largest gradient.</summary>
    public double GradTolerance { get; init; } = 1e-4;

    /// <summary>Element of operand <c>input</c> from a standard uniform number in [-1, 1): keeps operands away from kinks.</summary>
    public Func<int, double, double> Sample { get; init; } = static (_, u) => u;

    /// <summary>Whether the operation has no gradient, by definition, for element <c>k</c> of operand <c>input</c>: a row of padding.</summary>
    public Func<int, int, bool> Detached { get; init; } = static (_, _) => false;

    /// <summary>Whether it is small enough for the CUDA emulator.</summary>
    public bool Emulate { get; init; } = true;

    /// <summary>The operands' values.</summary>
    public float[][] Operands(ulong seed = 7)
    {
        var operands = new float[Inputs.Count][];
        for (int i = 0; i < operands.Length; i++)
        {
            var random = Philox.Keyed(seed, (ulong)i);
            operands[i] = new float[Inputs[i].Count];
            for (int k = 0; k < operands[i].Length; k++)
            {
                operands[i][k] = (float)Sample(i, (2.0 * random.Uniform((ulong)k)) - 1.0);
            }
        }

        return operands;
    }

    /// <summary>The same for the reference.</summary>
    public double[][] DoubleOperands() => Array.ConvertAll(Operands(), row => Array.ConvertAll(row, v => (double)v));

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The cases of one operation. Every implementation in this assembly is found by reflection.</summary>
internal interface IOpCases
{
    /// <summary>The cases.</summary>
    IEnumerable<OpCase> Cases();
}

/// <summary>Finds the cases.</summary>
internal static class OpCases
{
    /// <summary>All cases of all operations.</summary>
    public static IReadOnlyList<OpCase> All { get; } =
    [
        .. typeof(OpCases).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && typeof(IOpCases).IsAssignableFrom(t))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .SelectMany(t => ((IOpCases)Activator.CreateInstance(t)!).Cases()),
    ];

    /// <summary>The case of that name.</summary>
    public static OpCase Find(string name) => All.Single(c => c.Name == name);
}
