using System.Numerics;

namespace SmartFrz.Kernels.Tests;

/// <summary>Instructions by which the lanes of a warp exchange values, and moves between a register and several narrower ones.</summary>
internal static class PtxExchange
{
    /// <summary>The function of a shuffle or a vote; null where it is not known.</summary>
    public static PtxWarpFunction? Of(string opcode) => opcode switch
    {
        "shfl.sync.up.b32" => static (w, op, mask) => Shuffle(w, op, mask, static (lane, by, _, low) => (lane - by, lane - by >= low)),
        "shfl.sync.down.b32" => static (w, op, mask) => Shuffle(w, op, mask, static (lane, by, high, _) => (lane + by, lane + by <= high)),
        "shfl.sync.bfly.b32" => static (w, op, mask) => Shuffle(w, op, mask, static (lane, by, high, _) => (lane ^ by, (lane ^ by) <= high)),
        "shfl.sync.idx.b32" => static (w, op, mask) => Shuffle(w, op, mask, null),
        "vote.sync.ballot.b32" => static (w, op, mask) => Vote(w, op, mask, static (ballot, _) => ballot),
        "vote.sync.any.pred" => static (w, op, mask) => Vote(w, op, mask, static (ballot, _) => ballot != 0 ? 1u : 0),
        "vote.sync.all.pred" => static (w, op, mask) => Vote(w, op, mask, static (ballot, members) => ballot == members ? 1u : 0),
        "activemask.b32" => static (w, op, mask) => w.Set(op.Written[0], mask, _ => mask),
        _ => null,
    };

    /// <summary>A register from several narrower ones, or the reverse.</summary>
    public static void Pack(PtxWarp warp, PtxOp op, uint mask)
    {
        int pieces = Math.Max(op.Written.Length, op.Read.Length);
        int bits = op.Bytes * 8 / pieces;
        ulong piece = (1UL << bits) - 1;
        if (op.Written.Length == 1)
        {
            warp.Set(op.Written[0], mask, lane => op.Read.Select((r, i) => (warp[r, lane] & piece) << (bits * i)).Aggregate((a, b) => a | b));
            return;
        }

        for (int i = 0; i < pieces; i++)
        {
            int shift = bits * i;
            warp.Set(op.Written[i], mask, lane => warp[op.Read[0], lane] >> shift & piece);
        }
    }

    // shfl.sync d[|p], a, b, c, members: c holds the segment's mask in bits 8-12 and the clamp in bits 0-4.
    private static void Shuffle(PtxWarp warp, PtxOp op, uint mask, Func<int, int, int, int, (int From, bool Inside)>? where)
    {
        Members(warp, op, mask, op.Read[3]);
        var result = new ulong[PtxWarp.Lanes];
        var inside = new ulong[PtxWarp.Lanes];
        for (int lane = 0; lane < PtxWarp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
            {
                continue;
            }

            int by = (int)warp[op.Read[1], lane] & 31, clamp = (int)warp[op.Read[2], lane] & 31, segment = (int)(warp[op.Read[2], lane] >> 8) & 31;
            int low = lane & segment, high = low | (clamp & ~segment);

            // The highest lane for 'up' is the lowest that may be asked: its clamp counts from below.
            var (from, good) = where?.Invoke(lane, by, high, high) ?? (low | (by & ~segment), (low | (by & ~segment)) <= high);
            from = good ? from : lane;
            if ((mask >> from & 1) == 0)
            {
                throw new PtxFaultException(PtxFault.IncompleteWarp, $"lane {lane} asks for lane {from}, which is not there");
            }

            (result[lane], inside[lane]) = (warp[op.Read[0], from], good ? 1UL : 0);
        }

        warp.Set(op.Written[0], mask, lane => result[lane]);
        if (op.Written.Length > 1)
        {
            warp.Set(op.Written[1], mask, lane => inside[lane]);
        }
    }

    private static void Vote(PtxWarp warp, PtxOp op, uint mask, Func<uint, uint, uint> result)
    {
        Members(warp, op, mask, op.Read[1]);
        uint ballot = 0;
        for (int lane = 0; lane < PtxWarp.Lanes; lane++)
        {
            ballot |= (mask >> lane & 1) != 0 && (warp[op.Read[0], lane] & 1) != 0 ? 1u << lane : 0;
        }

        uint value = result(ballot, mask);
        warp.Set(op.Written[0], mask, _ => value);
    }

    // All lanes that the mask names must be here, and those that are here must be named.
    private static void Members(PtxWarp warp, PtxOp op, uint mask, int register)
    {
        uint members = (uint)warp[register, BitOperations.TrailingZeroCount(mask)];
        if ((members & warp.Started) != mask)
        {
            throw new PtxFaultException(PtxFault.IncompleteWarp, $"{op.Text} names lanes {members:x8}, lanes {mask:x8} are here");
        }
    }
}
