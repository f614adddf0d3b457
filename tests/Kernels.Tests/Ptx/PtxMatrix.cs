using System.Buffers.Binary;
using static System.BitConverter;

namespace SmartFrz.Kernels.Tests;

/// <summary>Instructions on small matrices that lie across a warp, by the lane layouts of the PTX manual.</summary>
internal static class PtxMatrix
{
    private const int M = 16, N = 8;

    /// <summary>The function of an mma; null where the shape or the types are not known.</summary>
    public static PtxWarpFunction? Product(string opcode) => opcode switch
    {
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" => static (w, op, mask) => Multiply(w, op, mask, 8, 1, Tf32),
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => static (w, op, mask) => Multiply(w, op, mask, 16, 2, Bf16),
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" => static (w, op, mask) => Multiply(w, op, mask, 16, 2, Half16),
        _ => null,
    };

    /// <summary>ldmatrix: eight rows of 16 bytes a matrix, whose addresses come from eight lanes each.</summary>
    public static void Load(PtxWarp warp, PtxOp op, uint mask) => LoadMatrices(warp, op, mask, transposed: false);

    /// <summary>ldmatrix.trans.</summary>
    public static void LoadTransposed(PtxWarp warp, PtxOp op, uint mask) => LoadMatrices(warp, op, mask, transposed: true);

    // Only the upper 19 bits of an operand count.
    private static float Tf32(ulong bits, int piece) => UInt32BitsToSingle((uint)bits & ~0x1FFFu);

    private static float Bf16(ulong bits, int piece) => UInt32BitsToSingle((uint)(bits >> (16 * piece)) << 16);

    private static float Half16(ulong bits, int piece) => (float)UInt16BitsToHalf((ushort)(bits >> (16 * piece)));

    // A lane is (group g of four lanes, place t in it). In A, a register holds `packed` neighbours along K beginning at packed * t, then the
    // same eight rows below, then both again 4 * packed further along K. In B, along K alone. C and D hold pairs along N.
    private static void Multiply(PtxWarp warp, PtxOp op, uint mask, int depth, int packed, Func<ulong, int, float> number)
    {
        Whole(op, mask);
        int half = 4 * packed;
        var a = new float[M, depth];
        var b = new float[depth, N];
        for (int lane = 0; lane < PtxWarp.Lanes; lane++)
        {
            int g = lane / 4, t = lane % 4;
            for (int piece = 0; piece < packed; piece++)
            {
                int k = (packed * t) + piece;
                for (int r = 0; r < 4; r++)
                {
                    a[g + (8 * (r % 2)), k + (half * (r / 2))] = number(warp[op.Read[r], lane], piece);
                }

                for (int r = 0; r < 2; r++)
                {
                    b[k + (half * r), g] = number(warp[op.Read[4 + r], lane], piece);
                }
            }
        }

        // The sums may go to registers that are operands: all are read before the first is written.
        var results = new ulong[4][];
        for (int r = 0; r < 4; r++)
        {
            results[r] = new ulong[PtxWarp.Lanes];
            for (int lane = 0; lane < PtxWarp.Lanes; lane++)
            {
                int row = (lane / 4) + (8 * (r / 2)), column = (2 * (lane % 4)) + (r % 2);
                double sum = UInt32BitsToSingle((uint)warp[op.Read[6 + r], lane]);
                for (int k = 0; k < depth; k++)
                {
                    sum += (double)a[row, k] * b[k, column];
                }

                results[r][lane] = SingleToUInt32Bits((float)sum);
            }
        }

        for (int r = 0; r < 4; r++)
        {
            var result = results[r];
            warp.Set(op.Written[r], mask, lane => result[lane]);
        }
    }

    private static void LoadMatrices(PtxWarp warp, PtxOp op, uint mask, bool transposed)
    {
        Whole(op, mask);
        var results = new ulong[op.Written.Length][];
        for (int matrix = 0; matrix < results.Length; matrix++)
        {
            var elements = new ushort[8, 8];
            for (int row = 0; row < 8; row++)
            {
                int lane = (8 * matrix) + row;
                var bytes = warp.Access(PtxSpace.Shared, warp[op.Read[0], lane] + (ulong)op.Offset, 16, write: false, lane);
                for (int column = 0; column < 8; column++)
                {
                    elements[row, column] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * column)..]);
                }
            }

            results[matrix] = new ulong[PtxWarp.Lanes];
            for (int lane = 0; lane < PtxWarp.Lanes; lane++)
            {
                int g = lane / 4, t = 2 * (lane % 4);
                results[matrix][lane] = transposed
                    ? elements[t, g] | (ulong)elements[t + 1, g] << 16
                    : elements[g, t] | (ulong)elements[g, t + 1] << 16;
            }
        }

        for (int matrix = 0; matrix < results.Length; matrix++)
        {
            var result = results[matrix];
            warp.Set(op.Written[matrix], mask, lane => result[lane]);
        }
    }

    private static void Whole(PtxOp op, uint mask)
    {
        if (mask != uint.MaxValue)
        {
            throw new PtxFaultException(PtxFault.IncompleteWarp, $"{op.Text} needs a whole warp, lanes {mask:x8} are here");
        }
    }
}
