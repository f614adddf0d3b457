using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Verification;

/// <summary>
/// Kernel launches outside the tape (optimizers, recorders, monitors), so that no <see cref="OpCase"/> reaches them, and what they should
/// compute, in double precision.
/// </summary>
internal sealed class KernelCase
{
    /// <summary>Unique: kernel and sizes.</summary>
    public required string Name { get; init; }

    /// <summary>Launches the kernels and returns what they have computed.</summary>
    public required Func<KernelBench, float[]> Run { get; init; }

    /// <summary>The same in double precision.</summary>
    public required Func<double[]> Reference { get; init; }

    /// <summary>The largest error, as a share of the largest number.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The cases of one kernel. Every implementation in this assembly is found by reflection.</summary>
internal interface IKernelCases
{
    /// <summary>The cases.</summary>
    IEnumerable<KernelCase> Cases();
}

/// <summary>Finds the cases.</summary>
internal static class KernelCases
{
    /// <summary>All cases of all kernels.</summary>
    public static IReadOnlyList<KernelCase> All { get; } =
    [
        .. typeof(KernelCases).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && typeof(IKernelCases).IsAssignableFrom(t))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .SelectMany(t => ((IKernelCases)Activator.CreateInstance(t)!).Cases()),
    ];

    /// <summary>The case of that name.</summary>
    public static KernelCase Find(string name) => All.Single(c => c.Name == name);

    /// <summary>Runs a case on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="kernel">The case.</param>
    /// <param name="launched">Receives the names of the kernels that ran.</param>
    public static float[] Run(Device device, KernelCase kernel, ISet<string>? launched = null)
    {
        using var bench = new KernelBench(device);
        float[] result = kernel.Run(bench);
        launched?.UnionWith(bench.Launched);
        return result;
    }
}

/// <summary>A context with buffers to launch on; they are given back with it.</summary>
internal sealed class KernelBench(Device device) : IDisposable
{
    private readonly DeviceContext _context = device.CreateContext();

    /// <summary>A buffer with these elements.</summary>
    public DeviceBuffer Upload<T>(params T[] elements)
        where T : unmanaged
    {
        var buffer = Rent(elements.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>());
        _context.Upload<T>(elements, buffer);
        return buffer;
    }

    /// <summary>The names of the kernels that ran.</summary>
    public IEnumerable<string> Launched => _context.Launches.Entries.Select(e => e.Kernel);

    /// <summary>Uniform random numbers in [-1, 1), different ones in each stream.</summary>
    public static float[] Numbers(int count, ulong stream)
    {
        var random = Philox.Keyed(5, stream);
        var elements = new float[count];
        for (int i = 0; i < count; i++)
        {
            elements[i] = (2f * random.Uniform((ulong)i)) - 1f;
        }

        return elements;
    }

    /// <summary>The same for a reference.</summary>
    public static double[] Doubles(int count, ulong stream) => Array.ConvertAll(Numbers(count, stream), v => (double)v);

    /// <summary>A buffer with the numbers of a stream.</summary>
    public DeviceBuffer Uniform(int count, ulong stream) => Upload(Numbers(count, stream));

    /// <summary>A buffer full of NaN, for a kernel to write.</summary>
    public DeviceBuffer Output(int count)
    {
        var elements = new float[count];
        Array.Fill(elements, float.NaN);
        return Upload(elements);
    }

    /// <summary>A buffer of undefined content.</summary>
    public DeviceBuffer Rent(long bytes) => _context.Rent(bytes, BufferKind.Workspace);

    /// <summary>Runs a kernel.</summary>
    public void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
        => _context.Launch(in kernel);

    /// <summary>The elements of a buffer.</summary>
    public T[] Read<T>(DeviceBuffer buffer, int count)
        where T : unmanaged
    {
        var elements = new T[count];
        _context.Download<T>(buffer, elements);
        return elements;
    }

    /// <inheritdoc/>
    public void Dispose() => _context.Dispose();
}
