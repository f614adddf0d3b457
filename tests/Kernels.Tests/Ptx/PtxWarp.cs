using System.Buffers.Binary;
using System.Numerics;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Up to 32 threads in lockstep. Where they part at a branch, one side runs until it reaches the point where all paths meet again, then the
/// other: what the hardware's assembler arranges.
/// </summary>
internal sealed partial class PtxWarp
{
    /// <summary>Threads of a warp.</summary>
    public const int Lanes = 32;

    private readonly PtxGroup _group;
    private readonly PtxProgram _program;
    private readonly int _index;
    private readonly ulong[] _values;
    private readonly uint[] _defined;
    private readonly byte[] _local, _localDefined;
    private readonly List<(int At, int Until, uint Mask)> _paths = [];
    private uint _alive;
    private int _epoch;

    public PtxWarp(PtxGroup group, int index, int lanes)
    {
        _group = group;
        _program = group.Launch.Program;
        _index = index;
        _values = new ulong[_program.Registers * Lanes];
        _defined = new uint[_program.Registers];
        _local = new byte[_program.LocalBytes * Lanes];
        _localDefined = new byte[_local.Length];
        Started = _alive = lanes == Lanes ? uint.MaxValue : (1u << lanes) - 1;
        _paths.Add((0, _program.Ops.Count, _alive));
        foreach (var (register, value) in _program.Constants)
        {
            Set(register, uint.MaxValue, _ => value);
        }

        foreach (var (name, register) in _program.Specials)
        {
            Set(register, Started, lane => group.Special(name, (_index * Lanes) + lane, lane));
        }
    }

    /// <summary>Lanes that have a thread.</summary>
    public uint Started { get; }

    /// <summary>Whether all its threads have ended.</summary>
    public bool Ended => _alive == 0;

    /// <summary>A lane's register.</summary>
    public ulong this[int register, int lane] => _values[(register * Lanes) + lane];

    /// <summary>Writes a register in the lanes of a mask.</summary>
    public void Set(int register, uint mask, Func<int, ulong> value)
    {
        for (int lane = 0; lane < Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
            {
                _values[(register * Lanes) + lane] = value(lane);
            }
        }

        _defined[register] |= mask;
    }

    /// <summary>Runs until all threads wait at a barrier or have ended.</summary>
    public void Run()
    {
        while (_alive != 0)
        {
            var (at, until, lanes) = _paths[^1];
            uint mask = lanes & _alive;
            if (at == until || mask == 0)
            {
                _paths.RemoveAt(_paths.Count - 1);
                continue;
            }

            var op = _program.Ops[at];
            _paths[^1] = (at + 1, until, lanes);
            _group.Launch.Count();
            try
            {
                if (!Step(op, mask))
                {
                    return;
                }
            }
            catch (PtxFaultException e) when (e.Data["where"] is null)
            {
                throw Located(e, op, mask);
            }
        }
    }

    /// <summary>Checks an access to memory and gives the bytes.</summary>
    public Span<byte> Access(PtxSpace space, ulong address, int bytes, bool write, int lane, bool atomic = false)
    {
        if (address % (ulong)bytes != 0)
        {
            throw new PtxFaultException(PtxFault.Misaligned, $"lane {lane}: {bytes} bytes at address {address:x}");
        }

        var now = Now(lane);
        switch (space)
        {
            case PtxSpace.Param:
                return _group.Launch.Parameter(address, bytes);
            case PtxSpace.Local:
            case PtxSpace.Generic when address >= PtxProgram.LocalBase && !PtxGlobals.Has(address):
                return Local((long)address - PtxProgram.LocalBase, bytes, write, lane);
            case PtxSpace.Shared:
            case PtxSpace.Generic when !PtxGlobals.Has(address):
                return _group.Shared((long)address - PtxProgram.SharedBase, bytes, write, atomic, now);
            default:
                return _group.Launch.Globals.Access(address, bytes, write, atomic, now);
        }
    }

    private PtxMoment Now(int lane) => new(_group.FirstThread + (_index * Lanes) + lane, _group.FirstThread + _index, _group.Number, _group.Epoch, _epoch);

    private PtxFaultException Located(PtxFaultException e, PtxOp op, uint mask)
    {
        var located = new PtxFaultException(
            e.Fault, $"{e.Message[(e.Fault.ToString().Length + 2)..]}; {_program.Name}, group {_group.Number}, warp {_index}, lanes {mask:x8}: {op.Text}");
        located.Data["where"] = op.Text;
        return located;
    }

    // False when the warp has to wait for the others.
    private bool Step(PtxOp op, uint mask)
    {
        uint path = mask;
        if (op.Guard >= 0)
        {
            Require(op.Guard, mask, op);
            uint holds = Holds(op.Guard, mask);
            mask = op.GuardNegated ? path & ~holds : holds;
        }

        if (op.Kind == PtxOpKind.Branch)
        {
            Branch(op, path, mask);
            return true;
        }

        if (mask == 0)
        {
            return true;
        }

        foreach (int register in op.Read)
        {
            Require(register, mask, op);
        }

        switch (op.Kind)
        {
            case PtxOpKind.Lane:
                Compute(op, mask);
                break;
            case PtxOpKind.Load:
                Load(op, mask);
                break;
            case PtxOpKind.Store:
                Store(op, mask);
                break;
            case PtxOpKind.Atomic:
                Atomic(op, mask);
                break;
            case PtxOpKind.Warp:
                op.Warp!(this, op, mask);
                break;
            case PtxOpKind.Exit:
                _alive &= ~mask;
                break;
            case PtxOpKind.Barrier:
                Together(op, mask, PtxFault.BarrierDivergence);
                return false;
            case PtxOpKind.WarpBarrier:
                Together(op, mask, PtxFault.BarrierDivergence);
                _epoch++;
                break;
            case PtxOpKind.CopyAsync:
                BeginCopy(op, mask);
                break;
            case PtxOpKind.CopyCommit:
                CommitCopies(mask);
                break;
            case PtxOpKind.CopyWait:
                WaitForCopies(op, mask);
                break;
        }

        return true;
    }

    private uint Holds(int register, uint mask)
    {
        uint holds = 0;
        for (int lane = 0; lane < Lanes; lane++)
        {
            holds |= (uint)(_values[(register * Lanes) + lane] & 1) << lane;
        }

        return holds & mask;
    }

    private void Require(int register, uint mask, PtxOp op)
    {
        uint missing = mask & ~_defined[register];
        if (missing != 0)
        {
            throw new PtxFaultException(PtxFault.Uninitialised, $"lanes {missing:x8} read a register of {op.Text} that they have not written");
        }
    }

    private void Together(PtxOp op, uint mask, PtxFault fault)
    {
        if (mask != _alive)
        {
            throw new PtxFaultException(fault, $"lanes {mask:x8} of {_alive:x8} come to {op.Text}");
        }
    }

    private void Branch(PtxOp op, uint path, uint taken)
    {
        var (next, until, lanes) = _paths[^1];
        if (taken == path)
        {
            _paths[^1] = (op.Target, until, lanes);
            return;
        }

        if (taken == 0)
        {
            return;
        }

        if (op.Uniform)
        {
            throw new PtxFaultException(PtxFault.DivergentUniformBranch, $"lanes {taken:x8} of {path:x8} take it");
        }

        if (op.Reconvergence == until)
        {
            _paths.RemoveAt(_paths.Count - 1);
        }
        else
        {
            _paths[^1] = (op.Reconvergence, until, lanes);
        }

        _paths.Add((next, op.Reconvergence, path & ~taken));
        _paths.Add((op.Target, op.Reconvergence, taken));
    }

    private void Compute(PtxOp op, uint mask)
    {
        var function = op.Lane!;
        int a = op.Read.Length > 0 ? op.Read[0] * Lanes : 0, b = op.Read.Length > 1 ? op.Read[1] * Lanes : a, c = op.Read.Length > 2 ? op.Read[2] * Lanes : a;
        int to = op.Written[0] * Lanes;
        var values = _values;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            values[to + lane] = function(values[a + lane], values[b + lane], values[c + lane]);
        }

        _defined[op.Written[0]] |= mask;
    }

    private void Load(PtxOp op, uint mask)
    {
        int count = op.Written.Length;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ReadOnlySpan<byte> bytes = Access(op.Space, this[op.Read[0], lane] + (ulong)op.Offset, op.Bytes * count, write: false, lane);
            for (int i = 0; i < count; i++)
            {
                _values[(op.Written[i] * Lanes) + lane] = Number(bytes.Slice(i * op.Bytes, op.Bytes), op.Signed);
            }
        }

        foreach (int register in op.Written)
        {
            _defined[register] |= mask;
        }
    }

    private void Store(PtxOp op, uint mask)
    {
        int count = op.Read.Length - 1;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            var bytes = Access(op.Space, this[op.Read[0], lane] + (ulong)op.Offset, op.Bytes * count, write: true, lane);
            for (int i = 0; i < count; i++)
            {
                Put(bytes.Slice(i * op.Bytes, op.Bytes), this[op.Read[i + 1], lane]);
            }
        }
    }

    private void Atomic(PtxOp op, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong address = this[op.Read[0], lane] + (ulong)op.Offset;
            ulong old = Number(Access(op.Space, address, op.Bytes, write: false, lane, atomic: true), signed: false);
            ulong b = this[op.Read[1], lane], c = op.Read.Length > 2 ? this[op.Read[2], lane] : 0;
            Put(Access(op.Space, address, op.Bytes, write: true, lane, atomic: true), op.Lane!(old, b, c));
            if (op.Written.Length > 0)
            {
                Set(op.Written[0], 1u << lane, _ => old);
            }
        }
    }

    private Span<byte> Local(long offset, int bytes, bool write, int lane)
    {
        if (offset < 0 || offset + bytes > _program.LocalBytes)
        {
            throw new PtxFaultException(PtxFault.OutOfBounds, $"{bytes} bytes at byte {offset} of {_program.LocalBytes} of the thread's own memory");
        }

        int at = (lane * _program.LocalBytes) + (int)offset;
        PtxGroup.Define(_localDefined.AsSpan(at, bytes), write, "the thread's own memory", offset);
        return _local.AsSpan(at, bytes);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, bool signed) => (bytes.Length, signed) switch
    {
        (1, false) => bytes[0],
        (1, true) => (ulong)(sbyte)bytes[0],
        (2, false) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        (2, true) => (ulong)BinaryPrimitives.ReadInt16LittleEndian(bytes),
        (4, false) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        (4, true) => (ulong)BinaryPrimitives.ReadInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    private static void Put(Span<byte> bytes, ulong value)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(value >> (8 * i));
        }
    }
}
