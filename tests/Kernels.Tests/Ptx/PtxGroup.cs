namespace SmartFrz.Kernels.Tests;

/// <summary>The threads that share memory and barriers.</summary>
internal sealed class PtxGroup
{
    private readonly (int X, int Y, int Z) _at;
    private readonly byte[] _shared, _defined;
    private readonly PtxRaceMap _races;

    public PtxGroup(PtxLaunch launch, int number, (int X, int Y, int Z) at)
    {
        Launch = launch;
        Number = number;
        _at = at;
        _shared = new byte[launch.SharedBytes];
        _defined = new byte[_shared.Length];
        _races = new PtxRaceMap(_shared.Length);
    }

    public PtxLaunch Launch { get; }

    /// <summary>Its number in the grid.</summary>
    public int Number { get; }

    /// <summary>The number of its first thread in the launch.</summary>
    public int FirstThread => Number * Launch.Threads;

    /// <summary>Barriers passed.</summary>
    public int Epoch { get; private set; }

    /// <summary>Runs all its threads to their end.</summary>
    public void Run()
    {
        var warps = Enumerable.Range(0, (Launch.Threads + PtxWarp.Lanes - 1) / PtxWarp.Lanes)
            .Select(w => new PtxWarp(this, w, Math.Min(PtxWarp.Lanes, Launch.Threads - (w * PtxWarp.Lanes))))
            .ToArray();
        while (warps.Any(w => !w.Ended))
        {
            foreach (var warp in warps)
            {
                warp.Run();
            }

            // All that are left wait: they have met.
            Epoch++;
        }
    }

    /// <summary>What a special register holds.</summary>
    public ulong Special(string name, int thread, int lane)
    {
        var (grid, block) = (Launch.Grid, Launch.Block);
        return (ulong)(name switch
        {
            "%tid.x" => thread % block.X,
            "%tid.y" => thread / block.X % block.Y,
            "%tid.z" => thread / block.X / block.Y,
            "%ntid.x" => block.X,
            "%ntid.y" => block.Y,
            "%ntid.z" => block.Z,
            "%ctaid.x" => _at.X,
            "%ctaid.y" => _at.Y,
            "%ctaid.z" => _at.Z,
            "%nctaid.x" => grid.X,
            "%nctaid.y" => grid.Y,
            "%nctaid.z" => grid.Z,
            "%laneid" => lane,
            _ => throw new NotSupportedException($"the interpreter does not know {name}"),
        });
    }

    /// <summary>Checks an access to shared memory and gives the bytes.</summary>
    public Span<byte> Shared(long offset, int bytes, bool write, bool atomic, PtxMoment now)
    {
        if (offset < 0 || offset + bytes > _shared.Length)
        {
            throw new PtxFaultException(PtxFault.OutOfBounds, $"{bytes} bytes at byte {offset} of {_shared.Length} of shared memory");
        }

        Define(_defined.AsSpan((int)offset, bytes), write, "shared memory", offset);
        if (!atomic && !(write ? _races.Write(offset, bytes, now) : _races.Read(offset, bytes, now)))
        {
            throw new PtxFaultException(PtxFault.Race, $"byte {offset} of shared memory is touched by another thread since the last barrier");
        }

        return _shared.AsSpan((int)offset, bytes);
    }

    /// <summary>A copy is under way: what was there is gone, what comes is not there yet.</summary>
    public void Undefine(long offset, int bytes) => _defined.AsSpan((int)offset, bytes).Clear();

    /// <summary>Marks what is written and refuses what was not.</summary>
    public static void Define(Span<byte> defined, bool write, string memory, long offset)
    {
        if (write)
        {
            defined.Fill(1);
        }
        else if (defined.Contains((byte)0))
        {
            throw new PtxFaultException(PtxFault.Uninitialised, $"byte {offset} of {memory} was never written");
        }
    }
}
