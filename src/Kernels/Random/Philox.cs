namespace SmartFrz.Kernels.Random;

/// <summary>
/// The counter-based generator Philox4x32-10: the same four words for the same (key, counter) on every device.
/// </summary>
/// <remarks>
/// Computes: ten rounds of multiply, exchange and xor on a 128-bit counter under a 64-bit key.
/// There is no state to carry or save: whoever needs a number names it by (seed, stream, step, element).
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 4.3.
/// </remarks>
public readonly record struct Philox(uint Key0, uint Key1)
{
    // Multipliers and Weyl key increments of Philox4x32 (table 2 and section 4.3 of the paper).
    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;

    /// <summary>A generator keyed by a seed and a stream (a layer, an epoch, a purpose).</summary>
    public static Philox Keyed(ulong seed, ulong stream)
    {
        // One block keyed by the seed alone mixes the stream in, so that (1, 2) and (2, 1) share nothing.
        var mixed = new Philox((uint)seed, (uint)(seed >> 32)).Block(stream, 0x536D417274467A00);
        return new Philox(mixed.X ^ (uint)seed, mixed.Y ^ (uint)(seed >> 32));
    }

    /// <summary>The four words of one counter value.</summary>
    public (uint X, uint Y, uint Z, uint W) Block(ulong low, ulong high = 0)
    {
        uint c0 = (uint)low, c1 = (uint)(low >> 32), c2 = (uint)high, c3 = (uint)(high >> 32);
        uint k0 = Key0, k1 = Key1;
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)M0 * c0;
            ulong p1 = (ulong)M1 * c2;
            uint n0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            uint n2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c1 = (uint)p1;
            c3 = (uint)p0;
            c0 = n0;
            c2 = n2;
            k0 += W0;
            k1 += W1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>The word of index <paramref name="i"/> in the stream.</summary>
    public uint Word(ulong i)
    {
        var b = Block(i >> 2);
        return (i & 3) switch { 0 => b.X, 1 => b.Y, 2 => b.Z, _ => b.W };
    }

    /// <summary>A float in [0, 1) with 24 random bits.</summary>
    public float Uniform(ulong i) => (Word(i) >> 8) * (1f / 16777216f);

    /// <summary>An integer in [0, <paramref name="n"/>), unbiased to 2^-32.</summary>
    public int Below(ulong i, int n) => (int)(((ulong)Word(i) * (uint)n) >> 32);

    /// <summary>A standard normal number (Box-Muller on two words of one block).</summary>
    public float Normal(ulong i)
    {
        var b = Block(i >> 1, 1);
        double u1 = ((i & 1) == 0 ? b.X : b.Z) * (1.0 / 4294967296.0) + (0.5 / 4294967296.0);
        double u2 = ((i & 1) == 0 ? b.Y : b.W) * (1.0 / 4294967296.0);
        return (float)(Math.Sqrt(-2.0 * Math.Log(u1)) * Math.Cos(2.0 * Math.PI * u2));
    }

    /// <summary>A permutation of 0..n-1 (Fisher-Yates).</summary>
    public int[] Permutation(int n)
    {
        var p = new int[n];
        for (int i = 0; i < n; i++)
        {
            p[i] = i;
        }

        for (int i = n - 1; i > 0; i--)
        {
            int j = Below((ulong)i, i + 1);
            (p[i], p[j]) = (p[j], p[i]);
        }

        return p;
    }
}
