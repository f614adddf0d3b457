using System.Reflection;
using ILGPU;
using ILGPU.Runtime.Cuda;
using SmartFrz.Kernels.Cuda;
using CudaDevice = SmartFrz.Kernels.Cuda.CudaDevice;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Runs the PTX that ILGPU makes of each kernel, as a GPU would get it, and watches it: a stand-in for the driver. What it can find is in
/// <see cref="PtxFault"/>.
/// </summary>
/// <param name="edit">Changes a kernel's text before it runs, to plant a fault.</param>
internal sealed class PtxInterpreter(Func<MethodInfo, string, string>? edit = null) : ICudaStandIn, IDisposable
{
    private readonly PtxCompiler _compiler = new(CudaArchitecture.SM_80);
    private readonly Dictionary<MethodInfo, PtxProgram> _programs = [];
    private readonly Dictionary<nint, PtxAllocation> _memory = [];

    /// <inheritdoc/>
    public string Name => "cuda kernels' PTX, interpreted";

    /// <summary>The kernels that were launched so far.</summary>
    public IReadOnlyCollection<MethodInfo> Launched => _programs.Keys;

    /// <summary>A device with the groups of a GPU that runs its kernels here.</summary>
    public CudaDevice Open() => CudaDevice.OpenStandIn(this, CudaDevice.FullGroup);

    /// <inheritdoc/>
    public void Allocated(nint address, long bytes) => _memory[address] = new PtxAllocation(address, bytes);

    /// <inheritdoc/>
    public void Freed(nint address) => _memory.Remove(address);

    /// <inheritdoc/>
    public void Written(nint address, long bytes) => Defined(address, bytes).Fill(1);

    /// <inheritdoc/>
    public void Released(nint address, long bytes) => Defined(address, bytes).Clear();

    /// <inheritdoc/>
    public void Launch<TArgs>(MethodInfo kernel, KernelConfig config, in TArgs args)
        where TArgs : struct
    {
        if (!_programs.TryGetValue(kernel, out var program))
        {
            int group = kernel.GetCustomAttribute<CudaKernelAttribute>()!.MaxGroup;
            string text = _compiler.Compile(kernel, group);
            _programs[kernel] = program = PtxProgram.Parse(edit is null ? text : edit(kernel, text));
        }

        var globals = new PtxGlobals();
        byte[] parameters = PtxArguments.Of(args, (address, bytes) => globals.Add(Behind(address), address, bytes));
        var (grid, block) = (config.GridDim, config.GroupDim);
        new PtxLaunch(program, globals, parameters, (grid.X, grid.Y, grid.Z), (block.X, block.Y, block.Z)).Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _compiler.Dispose();

    private PtxAllocation Behind(nint address) => _memory.Values.Single(m => address >= m.Address && address < m.Address + m.Bytes);

    private Span<byte> Defined(nint address, long bytes)
    {
        var memory = Behind(address);
        return memory.Defined.AsSpan((int)(address - memory.Address), (int)bytes);
    }
}
