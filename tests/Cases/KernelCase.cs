using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Cases;

/// <summary>
/// Kernel launches outside the tape (optimizers, recorders, monitors), so that no <see cref="OpCase"/> reaches them: run on every
/// instruction set and on the CUDA emulator, with the same result.
/// </summary>
public sealed class KernelCase
{
    /// <summary>Unique: kernel and sizes.</summary>
    public required string Name { get; init; }

    /// <summary>Launches the kernels and returns what they have computed.</summary>
    public required Func<KernelBench, float[]> Run { get; init; }

    /// <summary>The largest difference between two devices, as a share of the largest number.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The cases of one kernel. Every implementation in this assembly is found by reflection.</summary>
public interface IKernelCases
{
    /// <summary>The cases.</summary>
    IEnumerable<KernelCase> Cases();
}

/// <summary>Finds the cases.</summary>
public static class KernelCases
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
    public static float[] Run(Device device, KernelCase kernel)
    {
        using var bench = new KernelBench(device);
        return kernel.Run(bench);
    }
}

/// <summary>A context with buffers to launch on; they are given back with it.</summary>
public sealed class KernelBench(Device device) : IDisposable
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

    /// <summary>A buffer with uniform random numbers in [-1, 1).</summary>
    public DeviceBuffer Uniform(int count, ulong stream)
    {
        var random = Philox.Keyed(5, stream);
        var elements = new float[count];
        for (int i = 0; i < count; i++)
        {
            elements[i] = (2f * random.Uniform((ulong)i)) - 1f;
        }

        return Upload(elements);
    }

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
