using SmartFrz.Kernels;

namespace SmartFrz.Bench.Pairs;

/// <summary>Kernels timed by themselves, on memory of their own.</summary>
internal abstract class KernelWork(Device device) : Work
{
    private readonly DeviceContext _context = device.CreateContext();
    private readonly List<WorkPart> _parts = [];
    private uint _seed = 1;

    public override IReadOnlyList<WorkPart> Parts => _parts;

    public override void Dispose() => _context.Dispose();

    /// <summary>A part that is one launch.</summary>
    protected void Add<TKernel>(string name, TKernel kernel)
        where TKernel : struct, IKernel
        => _parts.Add(new WorkPart(name, () => _context.Launch(in kernel), kernel.Cost));

    /// <summary>A part of several launches.</summary>
    protected void Add(string name, KernelCost cost, Action<DeviceContext> run) => _parts.Add(new WorkPart(name, () => run(_context), cost));

    /// <summary>Memory with numbers from -1 to 1 in it.</summary>
    protected DeviceBuffer Numbers(long count)
    {
        var random = new Random((int)_seed++);
        var values = new float[count];
        for (long i = 0; i < count; i++)
        {
            values[i] = (2 * random.NextSingle()) - 1;
        }

        return Of(values);
    }

    /// <summary>Memory with these numbers in it.</summary>
    protected DeviceBuffer Of(params float[] values) => Hold<float>(values);

    /// <summary>Memory with these whole numbers in it.</summary>
    protected DeviceBuffer Integers(int[] values) => Hold<int>(values);

    private DeviceBuffer Hold<T>(T[] values)
        where T : unmanaged
    {
        var buffer = _context.Rent((long)values.Length * sizeof(int), BufferKind.Workspace);
        _context.Upload<T>(values, buffer);
        return buffer;
    }
}
