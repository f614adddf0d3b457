namespace SmartFrz.Kernels.Tests;

/// <summary>One run of a kernel over a grid, group after group.</summary>
internal sealed class PtxLaunch(PtxProgram program, PtxGlobals globals, byte[] parameters, (int X, int Y, int Z) grid, (int X, int Y, int Z) block)
{
    // Instructions of warps, far beyond what the cases need.
    private const long Limit = 50_000_000;

    public PtxProgram Program { get; } = program;

    public PtxGlobals Globals { get; } = globals;

    public (int X, int Y, int Z) Grid { get; } = grid;

    public (int X, int Y, int Z) Block { get; } = block;

    /// <summary>Threads of a group.</summary>
    public int Threads => Block.X * Block.Y * Block.Z;

    /// <summary>Shared memory of a group: what the text declares, and what the launch adds.</summary>
    public int SharedBytes => Program.SharedBytes + DynamicShared;

    /// <summary>Shared memory that the launch asks for.</summary>
    public int DynamicShared { get; init; }

    /// <summary>Instructions run, each once for a warp.</summary>
    public long Instructions { get; private set; }

    /// <summary>Runs it.</summary>
    public void Run()
    {
        if (parameters.Length != Program.ParameterBytes)
        {
            throw new InvalidOperationException($"{Program.Name} takes {Program.ParameterBytes} bytes of parameters, {parameters.Length} are given");
        }

        int number = 0;
        for (int z = 0; z < Grid.Z; z++)
        {
            for (int y = 0; y < Grid.Y; y++)
            {
                for (int x = 0; x < Grid.X; x++)
                {
                    new PtxGroup(this, number++, (x, y, z)).Run();
                }
            }
        }
    }

    /// <summary>Counts an instruction.</summary>
    public void Count()
    {
        if (++Instructions > Limit)
        {
            throw new PtxFaultException(PtxFault.Endless, $"{Limit} instructions were not enough");
        }
    }

    /// <summary>A piece of the arguments.</summary>
    public Span<byte> Parameter(ulong address, int bytes) => (long)address + bytes <= parameters.Length
        ? parameters.AsSpan((int)address, bytes)
        : throw new PtxFaultException(PtxFault.OutOfBounds, $"{bytes} bytes at byte {address} of {parameters.Length} of the parameters");
}
