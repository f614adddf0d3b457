using System.Globalization;

namespace SmartFrz.Tensors.Verification;

/// <summary>Attention: one query, one key, more than a panel and than a block of either; causal, with keys that do not count, and with terms of keys.</summary>
internal sealed class AttentionCases : IOpCases
{
    // A key that nobody sees, and BERT's term for one.
    private const float None = float.NegativeInfinity, Masked = -10000f;

    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Case(new Sizes(1, 1, 1, 1, 1));
        yield return Case(new Sizes(2, 1, 5, 5, 3));
        yield return Case(new Sizes(1, 2, 1, 7, 8));
        yield return Case(new Sizes(1, 1, 6, 1, 3));
        yield return Case(new Sizes(2, 2, 5, 4, 9, Lengths: [1, 3]));
        yield return Case(new Sizes(1, 2, 5, 5, 3, Causal: true));
        yield return Case(new Sizes(3, 1, 4, 6, 2, Causal: true, Lengths: [6, 2, 1]));
        yield return Case(new Sizes(1, 1, 7, 3, 5, Causal: true));

        // No key counts: 0 and no gradient; a length past the end is the end.
        yield return Case(new Sizes(2, 1, 3, 4, 3, Lengths: [0, 9]));

        // Terms: any numbers; holes; a masked tail; no key at all; with lengths and causal, where the first query sees none.
        yield return Case(new Sizes(2, 2, 3, 5, 3, Terms: [0.5f, -1, 2, 0, -0.25f, 1, 1, 0, -2, 3]));
        yield return Case(new Sizes(2, 1, 5, 7, 2, Terms: [0, None, 0, None, None, 0, 0, None, 0, None, 0, None, None, None]));
        yield return Case(new Sizes(2, 2, 2, 5, 3, Terms: [0, Masked, 0, Masked, 0, 0, 0, Masked, Masked, Masked]));
        yield return Case(new Sizes(2, 1, 3, 4, 3, Terms: [None, None, None, None, 0, 0, 0, 0]));
        yield return Case(new Sizes(2, 1, 6, 5, 2, Causal: true, Lengths: [4, 9], Terms: [None, 0, None, 1, 0, 0, -1, None, 0, 0.5f]));
        yield return Case(new Sizes(1, 2, 35, 37, 3, Terms: Holes(37)), emulate: false);
        yield return Case(new Sizes(1, 1, 67, 69, 2, Causal: true, Terms: Holes(69)), emulate: false);

        // The first blocks of keys hold none that counts.
        yield return Case(new Sizes(1, 1, 3, 1030, 1, Terms: [.. Enumerable.Repeat(None, 520), .. Holes(510)]), emulate: false);
        yield return Case(new Sizes(1, 2, 33, 5, 3), emulate: false);
        yield return Case(new Sizes(1, 1, 3, 33, 8, Causal: false, Lengths: [29]), emulate: false);
        yield return Case(new Sizes(1, 1, 5, 5, 64), emulate: false);
        yield return Case(new Sizes(1, 1, 35, 37, 2, Causal: true), emulate: false);
        yield return Case(new Sizes(1, 1, 67, 2, 1, Causal: true), emulate: false);

        // Blocks of rows hold 128 (AVX-512), 256 (AVX2) and 512 (portable) of them.
        yield return Case(new Sizes(1, 1, 2, 521, 1), emulate: false);
        yield return Case(new Sizes(1, 1, 521, 3, 1, Causal: true), emulate: false);
        yield return Case(new Sizes(1, 1, 263, 270, 1, Causal: true, Lengths: [265]), emulate: false);
        yield return Case(new Sizes(1, 2, 5, 7, 3, Scale: 4), emulate: false);
    }

    private static OpCase Case(Sizes s, bool emulate = true)
    {
        Shape q = new(s.B, s.H, s.Tq, s.D), k = new(s.B, s.H, s.Tk, s.D);
        string mask = (s.Causal ? " causal" : "")
            + (s.Lengths is { } l ? $" lengths {string.Join(',', l)}" : "")
            + (s.Terms is { } t ? $" terms {string.Join(',', t.Take(5).Select(x => x.ToString(CultureInfo.InvariantCulture)))}" : "")
            + (s.Scale is { } f ? $" scale {f}" : "");
        return new OpCase
        {
            Name = $"attention {q} {k}{mask}",
            Inputs = [q, k, k],
            Apply = (engine, x) =>
                x[0].Attention(
                    x[1],
                    x[2],
                    s.Causal,
                    s.Lengths is null ? null : engine.FromHost<int>(s.Lengths, new Shape(s.B)),
                    s.Scale,
                    s.Terms is null ? null : engine.FromHost<float>(s.Terms, new Shape(s.B, s.Tk))),
            Reference = x => Reference(s, x[0], x[1], x[2]),
            Sample = (_, u) => 2 * u,
            Emulate = emulate,
        };
    }

    // Every third key counts for nobody, the others have a term.
    private static float[] Holes(int keys) => [.. Enumerable.Range(0, keys).Select(j => j % 3 == 1 ? None : j % 5 / 4f)];

    private static double[] Reference(Sizes s, double[] q, double[] k, double[] v)
    {
        var y = new double[q.Length];
        double scale = s.Scale ?? 1 / Math.Sqrt(s.D);
        var p = new double[s.Tk];
        for (int row = 0; row < s.B * s.H * s.Tq; row++)
        {
            int head = row / s.Tq, i = row % s.Tq;
            int seen = Math.Min(s.Lengths is null ? s.Tk : Math.Min(s.Lengths[head / s.H], s.Tk), s.Causal ? i + 1 : s.Tk);
            double sum = 0;
            for (int j = 0; j < seen; j++)
            {
                double score = 0;
                for (int c = 0; c < s.D; c++)
                {
                    score += q[(row * s.D) + c] * k[(((head * s.Tk) + j) * s.D) + c];
                }

                p[j] = Math.Exp((scale * score) + (s.Terms?[(head / s.H * s.Tk) + j] ?? 0));
                sum += p[j];
            }

            for (int j = 0; j < seen && sum > 0; j++)
            {
                for (int c = 0; c < s.D; c++)
                {
                    y[(row * s.D) + c] += p[j] / sum * v[(((head * s.Tk) + j) * s.D) + c];
                }
            }
        }

        return y;
    }

    private sealed record Sizes(int B, int H, int Tq, int Tk, int D, bool Causal = false, int[]? Lengths = null, float? Scale = null, float[]? Terms = null);
}
