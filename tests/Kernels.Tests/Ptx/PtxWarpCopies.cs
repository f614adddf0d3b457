using System.Numerics;

namespace SmartFrz.Kernels.Tests;

/// <summary>Copies from global to shared memory behind the threads' backs: they are done when the thread that began them has waited.</summary>
internal sealed partial class PtxWarp
{
    private readonly List<Copy> _copies = [];
    private readonly int[] _batches = new int[Lanes];

    // Until its wait a copy may land at any time: its target counts as written now, and as holding nothing yet.
    private void BeginCopy(PtxOp op, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            int take = op.Read.Length > 2 ? (int)Math.Min((ulong)op.Bytes, this[op.Read[2], lane]) : op.Bytes;
            ulong to = this[op.Read[0], lane] + (ulong)op.Offset, from = this[op.Read[1], lane];
            Access(PtxSpace.Shared, to, op.Bytes, write: true, lane);
            _group.Undefine((long)to - PtxProgram.SharedBase, op.Bytes);
            _copies.Add(new Copy(lane, to, from, op.Bytes, take, _batches[lane]));
        }
    }

    private void CommitCopies(uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            _batches[BitOperations.TrailingZeroCount(rest)]++;
        }
    }

    private void WaitForCopies(PtxOp op, uint mask)
    {
        var done = _copies.Where(c => (mask >> c.Lane & 1) != 0 && (op.Left < 0 || c.Batch < _batches[c.Lane] - op.Left)).ToArray();
        foreach (var copy in done)
        {
            var target = Access(PtxSpace.Shared, copy.To, copy.Bytes, write: true, copy.Lane);
            target.Clear();
            if (copy.Take > 0)
            {
                // The address must suit the whole copy, whatever part of it is read.
                if (copy.From % (ulong)copy.Bytes != 0)
                {
                    throw new PtxFaultException(PtxFault.Misaligned, $"lane {copy.Lane} copies {copy.Bytes} bytes from address {copy.From:x}");
                }

                _group.Launch.Globals.Access(copy.From, copy.Take, write: false, atomic: false, Now(copy.Lane)).CopyTo(target);
            }

            _copies.Remove(copy);
        }
    }

    private sealed record Copy(int Lane, ulong To, ulong From, int Bytes, int Take, int Batch);
}
