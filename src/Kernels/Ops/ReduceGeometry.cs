namespace SmartFrz.Kernels;

/// <summary>
/// Which axes of an array a reduction keeps and which it takes together. Neighbouring axes of one kind are merged; what is left
/// alternates, outermost first: kept K0, reduced R0, K1, R1, K2, R2, K3 (absent ones have extent 1).
/// </summary>
/// <remarks>
/// An output cell (k0, k1, k2) has K3 neighbouring results and takes Terms = R0*R1*R2 lines of K3 elements each. With K3 = 1 a
/// line is one element and the innermost axis is reduced: rows. Otherwise results lie side by side: columns.
/// </remarks>
public readonly struct ReduceGeometry
{
    /// <summary>The extents.</summary>
    public readonly int K0, R0, K1, R1, K2, R2, K3;

    private ReduceGeometry(ReadOnlySpan<int> slots)
    {
        (K3, R2, K2, R1, K1, R0, K0) = (slots[0], slots[1], slots[2], slots[3], slots[4], slots[5], slots[6]);
        Pieces = PiecesOf(Cells, Terms, K3);
    }

    /// <summary>Into how many partial results the lines of a cell are cut, so that a long sum keeps many threads busy. Depends on the extents alone.</summary>
    public readonly int Pieces;

    /// <summary>Output cells.</summary>
    public int Cells => K0 * K1 * K2;

    /// <summary>Lines reduced into one cell.</summary>
    public int Terms => R0 * R1 * R2;

    /// <summary>Results.</summary>
    public int Outputs => Cells * K3;

    /// <summary>Elements read.</summary>
    public long Elements => (long)Outputs * Terms;

    /// <summary>The geometry of a row-major array; bit i of <paramref name="reduced"/> says that axis i is reduced.</summary>
    /// <exception cref="NotSupportedException">More than 2^31 - 1 elements: the kernels index with 32 bits.</exception>
    public static ReduceGeometry Of(ReadOnlySpan<int> extents, uint reduced)
    {
        long elements = 1;
        Span<int> slots = [1, 1, 1, 1, 1, 1, 1];
        int slot = 0; // 0: K3, 1: R2, 2: K2, ... : even ones are kept
        for (int axis = extents.Length - 1; axis >= 0; axis--)
        {
            elements *= extents[axis];
            if (extents[axis] == 1)
            {
                continue;
            }

            int kind = (int)(reduced >> axis & 1);
            slot += (slot & 1) == kind ? 0 : 1;
            slots[slot] *= extents[axis];
        }

        return elements <= int.MaxValue
            ? new ReduceGeometry(slots)
            : throw new NotSupportedException($"a reduction over {elements} elements: at most {int.MaxValue} are supported");
    }

    // A piece is worth a group of threads from some 8192 elements on; 256 pieces of work fill the largest GPU about twice.
    private static int PiecesOf(int cells, int terms, int columns)
    {
        const int ElementsPerPiece = 8192, Units = 256, ColumnsOfAGroup = 32;
        long units = Math.Max(1, (long)cells * ((columns + ColumnsOfAGroup - 1) / ColumnsOfAGroup));
        long worth = (long)terms * Math.Min(columns, ColumnsOfAGroup) / ElementsPerPiece;
        return (int)Math.Clamp(worth, 1, Math.Max(1, Units / units));
    }

    /// <summary>Where the lines of a cell begin: their common part.</summary>
    internal int CellOffset(int cell)
    {
        int k12 = K1 * K2;
        int k0 = cell / k12;
        int rest = cell - (k0 * k12);
        int k1 = rest / K2;
        int k2 = rest - (k1 * K2);
        return ((((((k0 * R0 * K1) + k1) * R1) * K2) + k2) * R2) * K3;
    }

    /// <summary>Where line <paramref name="term"/> of a cell begins, from the cell's offset on.</summary>
    internal int TermOffset(int term)
    {
        int slab = term / R2;
        int r2 = term - (slab * R2);
        int r0 = slab / R1;
        int r1 = slab - (r0 * R1);
        return ((((((r0 * K1) * R1) + r1) * K2) * R2) + r2) * K3;
    }
}
