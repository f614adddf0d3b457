using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Tensors.Verification;

/// <summary>
/// Runs every kernel on a device against its reference: the CPU's against scalar code in double precision, gradients against central
/// differences of it, for every subset of the operands; a GPU's against the CPU's. The cases are those of this library's own tests.
/// </summary>
/// <remarks>
/// Beside the numbers each operation must keep the contracts of the engine: the ledger's launches are those of the plan, no memory is read
/// after it was given back (it is filled with NaN), none is left over.
/// </remarks>
public sealed class DeviceCheck(Device device)
{
    private readonly List<DeviceComparison> _comparisons = [];

    /// <summary>Raised after each comparison.</summary>
    public event Action<DeviceComparison>? Compared;

    /// <summary>Whether a case is run, by its name; all are when null.</summary>
    public Predicate<string>? Filter { get; init; }

    /// <summary>Runs the cases.</summary>
    public DeviceReport Run(CancellationToken stop = default)
    {
        _comparisons.Clear();
        using var cpu = device is CpuDevice ? null : new CpuDevice();
        var skipped = new List<string>();
        foreach (var op in OpCases.All)
        {
            stop.ThrowIfCancellationRequested();
            if (IsWanted(op.Name) && (op.Emulate || device is not Kernels.Cuda.CudaDevice { IsEmulated: true }))
            {
                Check(op, cpu);
            }
            else
            {
                skipped.Add(op.Name);
            }
        }

        foreach (var kernel in KernelCases.All)
        {
            stop.ThrowIfCancellationRequested();
            if (IsWanted(kernel.Name))
            {
                Check(kernel, cpu);
            }
            else
            {
                skipped.Add(kernel.Name);
            }
        }

        return new DeviceReport(cpu is null ? "double precision" : cpu.Name, [.. _comparisons], skipped);
    }

    private bool IsWanted(string name) => Filter?.Invoke(name) ?? true;

    private void Check(OpCase op, Device? cpu)
    {
        var need = NeedMask.All(op.Inputs.Count);
        var seen = new HashSet<string>();
        Compare(
            op.Name,
            ["forward"],
            op.Tolerance,
            seen,
            launched => [OpRun.Forward(device, op, launched)],
            () => [cpu is null ? op.Reference(op.DoubleOperands()) : Doubles(OpRun.Forward(cpu, op))]);
        var expected = new Lazy<double[][]>(() => cpu is null ? FiniteDifferences.Of(op) : Array.ConvertAll(OpRun.Gradients(cpu, op, need), g => Doubles(g!)));
        for (int bits = (1 << op.Inputs.Count) - 1; bits > 0; bits--)
        {
            // All first: a subset's launches count where they are not those of the whole.
            var subset = new NeedMask((uint)bits);
            int[] inputs = [.. Enumerable.Range(0, op.Inputs.Count).Where(subset.Has)];
            string alone = subset == need ? "" : inputs.Length == 1 ? " alone" : FormattableString.Invariant($" of {string.Join(", ", inputs)}");
            var launches = new HashSet<string>();
            Compare(
                op.Name,
                Array.ConvertAll(inputs, i => FormattableString.Invariant($"gradient {i}{alone}")),
                op.GradTolerance,
                launches,
                launched => [.. OpRun.Gradients(device, op, subset, launched).OfType<float[]>()],
                () => Array.ConvertAll(inputs, i => expected.Value[i]),
                seen);
            seen.UnionWith(launches);
        }
    }

    private void Check(KernelCase kernel, Device? cpu) =>
        Compare(
            kernel.Name,
            ["kernel"],
            kernel.Tolerance,
            [],
            launched => [KernelCases.Run(device, kernel, launched)],
            () => [cpu is null ? kernel.Reference() : Doubles(KernelCases.Run(cpu, kernel))]);

    private void Compare(
        string name, string[] what, double tolerance, HashSet<string> launched, Func<ISet<string>, float[][]> run, Func<double[][]> reference, HashSet<string>? seen = null)
    {
        float[][] actual;
        try
        {
            actual = run(launched);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever a kernel or a driver throws is a finding, not the end of the check.
            Add(new DeviceComparison(name, what[0], [.. launched], double.PositiveInfinity, tolerance, e.Message.ReplaceLineEndings(" ")));
            return;
        }

        double[][] expected = reference();
        string[] kernels = [.. launched.Where(k => seen is null || !seen.Contains(k)).Order(StringComparer.Ordinal)];
        for (int i = 0; i < what.Length; i++)
        {
            Add(new DeviceComparison(name, what[i], kernels, Differences.Largest(expected[i], actual[i]), tolerance));
        }
    }

    private void Add(DeviceComparison comparison)
    {
        _comparisons.Add(comparison);
        Compared?.Invoke(comparison);
    }

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);
}
