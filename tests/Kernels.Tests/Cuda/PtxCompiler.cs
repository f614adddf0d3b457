using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>Compiles kernels to PTX text for one architecture, with no driver and no GPU.</summary>
internal sealed class PtxCompiler : IDisposable
{
    private readonly Context _context;
    private readonly PTXBackend _backend;

    public PtxCompiler(CudaArchitecture architecture)
    {
        // One context for each backend: ILGPU's contexts do not outlive the disposal of a backend made from them.
        _context = Context.Create(b => Kernels.Cuda.CudaDevice.Configure(b));
        var capabilities = new CudaCapabilityContext(architecture);

        // ILGPU writes the lowest target that its own features need; the setter is not public.
        var target = typeof(CudaCapabilityContext).GetProperty("TargetArchitecture")
            ?? throw new MissingMemberException(nameof(CudaCapabilityContext), "TargetArchitecture");
        target.SetValue(capabilities, architecture);
        _backend = new PTXBackend(_context, capabilities, architecture, CudaInstructionSet.ISA_80, null);
    }

    /// <summary>The PTX of an explicitly grouped kernel.</summary>
    public string Compile(MethodInfo kernel, int maxGroup)
    {
        var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return ((PTXCompiledKernel)_backend.Compile(entry, new KernelSpecialization(maxGroup, null))).PTXAssembly;
    }

    public void Dispose()
    {
        _backend.Dispose();
        _context.Dispose();
    }
}
