namespace SmartFrz.Kernels;

/// <summary>The sizes of a scaled dot-product attention: queries (B, H, Tq, D), keys and values (B, H, Tk, D).</summary>
/// <param name="B">Sequences.</param>
/// <param name="H">Heads of each.</param>
/// <param name="Tq">Queries of a head.</param>
/// <param name="Tk">Keys of a head.</param>
/// <param name="D">Numbers of a query, key or value.</param>
/// <param name="Scale">What the products of queries and keys are multiplied with.</param>
/// <param name="Causal">Whether query i sees keys 0 to i only.</param>
/// <param name="HasTerms">Whether a number of each key, (B, Tk), is added to its scores.</param>
public readonly record struct AttentionShape(int B, int H, int Tq, int Tk, int D, float Scale, bool Causal, bool HasTerms = false)
{
    /// <summary>Heads of all sequences.</summary>
    public int Heads => B * H;

    /// <summary>Elements of the queries, and of the result.</summary>
    public long QueryCount => (long)Heads * Tq * D;

    /// <summary>Elements of the keys, and of the values.</summary>
    public long KeyCount => (long)Heads * Tk * D;

    /// <summary>Rows of the result.</summary>
    public int Rows => Heads * Tq;

    /// <summary>Pairs of a query and a key that it sees, whatever the keys' lengths: they are on the device.</summary>
    public long Pairs
    {
        get
        {
            long diagonal = Math.Min(Tq, Tk);
            return Heads * (Causal ? (diagonal * (diagonal + 1) / 2) + ((Tq - diagonal) * Tk) : (long)Tq * Tk);
        }
    }

    /// <summary>The work of that many products over all pairs.</summary>
    internal long Flops(int products) => 2L * products * Pairs * D;

    /// <summary>Bytes of operands as large as the queries, as large as the keys, and of one number for each row; and of the keys' terms.</summary>
    internal long Bytes(int queries, int keys, int rows) =>
        sizeof(float) * ((queries * QueryCount) + (keys * KeyCount) + ((long)rows * Rows) + (HasTerms ? (long)B * Tk : 0));
}
