using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Scaled dot-product attention of this tensor's queries to keys and values.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="values">The values.</param>
    /// <param name="causal">Whether query i sees keys 0 to i only.</param>
    /// <param name="keyLengths">
    /// How many keys of each sequence count, the first ones (padding comes after them): integers (B). All count when null. A length past Tk is Tk,
    /// one below 0 is 0.
    /// </param>
    /// <param name="scale">What products of queries and keys are multiplied with; 1 / sqrt(D) when null.</param>
    /// <param name="keyTerms">
    /// What is added to the scores of each sequence's keys: numbers (B, Tk), through which no gradient flows. It is a mask that may have holes:
    /// 0 for keys that count, -infinity for those that nobody sees, or BERT's -10000. None are added when null.
    /// </param>
    /// <remarks>
    /// Computes: y = softmax(scale * q k^T + terms) v for each head, over the keys that a query sees; 0 for a query that sees none. The scores exist a
    ///           tile at a time only, forward and backward.
    /// Shapes:   queries, y (B, H, Tq, D); keys, values (B, H, Tk, D).
    /// Gradient: with p the probabilities, delta = the sum of dy * y over D, ds = p * (dy v^T - delta): dq = scale * ds k, dk = scale * ds^T q,
    ///           dv = p^T dy. One launch for dq; one for dk and dv, whose probabilities are the same; on a processor one for all of them when dq
    ///           and dk are needed; delta for dq and dk.
    /// Saves:    queries, keys and the logarithm of each row's sum of exponentials; values and y for dq and dk.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit; <see cref="ArgumentException"/> unless the lengths are I32 and the terms
    ///           numbers that need no gradient.
    /// Source:   A. Vaswani et al., "Attention Is All You Need" (2017); T. Dao et al., "FlashAttention" (2022).
    /// </remarks>
    public Tensor Attention(Tensor keys, Tensor values, bool causal = false, Tensor? keyLengths = null, float? scale = null, Tensor? keyTerms = null)
    {
        var shape = AttentionShape(keys, values, causal, keyLengths, scale, keyTerms);
        var y = Engine.NewTensor(Shape);
        var lse = Engine.NewStorage(shape.Rows * (long)sizeof(float));
        Engine.Launch(new AttentionKernel(shape, Buffer, keys.Buffer, values.Buffer, keyLengths?.Buffer ?? default, keyTerms?.Buffer ?? default, y.Buffer, lse.Buffer));
        var op = Engine.OpOf(
            (shape, keyLengths is not null, Engine.Context.Device.AttentionGradientsTogether),
            static k => new AttentionGradient(k.shape, k.Item2, k.AttentionGradientsTogether),
            static op => (op.Sizes, op.HasLengths, op.Together));
        // The terms come last, behind lengths where there are some.
        switch (keyLengths, keyTerms)
        {
            case (null, null):
                Engine.RecordWithMemory(op, y, [this, keys, values], [lse]);
                break;
            case ({ } lengths, null):
                Engine.RecordWithMemory(op, y, [this, keys, values], [lse, lengths.Storage]);
                break;
            case (null, { } terms):
                Engine.RecordWithMemory(op, y, [this, keys, values], [lse, terms.Storage]);
                break;
            case ({ } lengths, { } terms):
                Engine.RecordWithMemory(op, y, [this, keys, values], [lse, lengths.Storage, terms.Storage]);
                break;
        }

        lse.Release();
        return y;
    }

    private AttentionShape AttentionShape(Tensor keys, Tensor values, bool causal, Tensor? keyLengths, float? scale, Tensor? keyTerms)
    {
        RequireType(DType.F32, "Attention");
        Require(keys);
        Require(values);
        bool fits = Shape.Rank == 4 && keys.Shape.Rank == 4 && Shape[0] == keys.Shape[0] && Shape[1] == keys.Shape[1] && Shape[3] == keys.Shape[3];
        if (!fits || keys.Shape != values.Shape || Shape[3] == 0)
        {
            throw new ShapeException(
                $"Attention: queries {Shape}, keys {keys.Shape} and values {values.Shape}, expected (B,H,Tq,D), (B,H,Tk,D) and (B,H,Tk,D), D at least 1");
        }

        if (keyLengths is not null)
        {
            RequireSameEngine(keyLengths, "Attention");
            keyLengths.RequireType(DType.I32, "Attention");
            if (keyLengths.Shape.Rank != 1 || keyLengths.Shape[0] != Shape[0])
            {
                throw new ShapeException($"Attention: queries {Shape} are {Shape[0]} sequences, keyLengths {keyLengths.Shape} expects {keyLengths.Shape.Count}");
            }
        }

        if (keyTerms is not null)
        {
            Require(keyTerms);
            if (keyTerms.Shape.Rank != 2 || keyTerms.Shape[0] != keys.Shape[0] || keyTerms.Shape[1] != keys.Shape[2])
            {
                throw new ShapeException($"Attention: keys {keys.Shape} are {keys.Shape[2]} of {keys.Shape[0]} sequences, keyTerms {keyTerms.Shape} expects {new Shape(keys.Shape[0], keys.Shape[2])}");
            }

            if (keyTerms.RequiresGrad)
            {
                throw new ArgumentException($"Attention: keyTerms {keyTerms.Shape} need a gradient, none flows through them; give them detached");
            }
        }

        return new AttentionShape(
            Shape[0], Shape[1], Shape[2], keys.Shape[2], Shape[3], scale ?? (float)(1 / Math.Sqrt(Shape[3])), causal, keyTerms is not null);

        void Require(Tensor operand)
        {
            RequireSameEngine(operand, "Attention");
            operand.RequireType(DType.F32, "Attention");
        }
    }

    private sealed record AttentionGradient(AttentionShape Sizes, bool HasLengths, bool Together) : Op
    {
        private const int Q = 0, K = 1, V = 2, Lse = 0, Lengths = 1;

        private int Terms => HasLengths ? 2 : 1;

        public override string Name => AttentionKernel.Name;

        public override SavedSet Saves(NeedMask need)
        {
            var saves = SavedSet.Input(Q) | SavedSet.Input(K) | SavedSet.Extra(Lse) | SavedSet.Extra(Lengths, HasLengths) | SavedSet.Extra(Terms, Sizes.HasTerms);
            return NeedsDelta(need) ? saves | SavedSet.Input(V) | SavedSet.Output : saves;
        }

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            if (NeedsDelta(need))
            {
                estimate.AddShared(new AttentionDeltaKernel(Sizes, default, default, default).Cost);
            }

            if (InOneLaunch(need))
            {
                estimate.Add(
                    Q,
                    new AttentionGradKernel(
                        Sizes, need.Has(V), default, default, estimate.Accumulates(Q), default, estimate.Accumulates(K), default, estimate.Accumulates(V)).Cost);
                return;
            }

            estimate.Add(Q, new AttentionQueryGradKernel(Sizes, default, default, estimate.Accumulates(Q)).Cost);
            if (need.Has(K) || need.Has(V))
            {
                estimate.Add(
                    need.Has(K) ? K : V,
                    new AttentionKeyValueGradKernel(
                        Sizes, need.Has(K), need.Has(V), default, default, estimate.Accumulates(K), default, estimate.Accumulates(V)).Cost);
            }
        }

        public override void Backward(BackwardContext ctx)
        {
            var need = ctx.Need;
            var saved = new AttentionSaved(
                ctx.Saved(Q), ctx.Saved(K), default, HasLengths ? ctx.Extra(Lengths) : default, Sizes.HasTerms ? ctx.Extra(Terms) : default, ctx.GradOut, ctx.Extra(Lse), default);
            if (NeedsDelta(need))
            {
                saved = saved with { V = ctx.Saved(V), Delta = ctx.Workspace(Sizes.Rows * (long)sizeof(float)) };
                ctx.BeginShared();
                ctx.Launch(new AttentionDeltaKernel(Sizes, ctx.GradOut, ctx.SavedOutput, saved.Delta));
            }

            if (InOneLaunch(need))
            {
                ctx.TryGrad(V, out var values);
                ctx.TryGrad(K, out var keys);
                ctx.TryGrad(Q, out var queries);
                ctx.Launch(new AttentionGradKernel(
                    Sizes, need.Has(V), saved, queries.Buffer, queries.Accumulate, keys.Buffer, keys.Accumulate, values.Buffer, values.Accumulate));
                return;
            }

            if (ctx.TryGrad(Q, out var dq))
            {
                ctx.Launch(new AttentionQueryGradKernel(Sizes, saved, dq.Buffer, dq.Accumulate));
            }

            if (need.Has(K) || need.Has(V))
            {
                // The one that the launch is booked on comes last.
                ctx.TryGrad(V, out var dv);
                ctx.TryGrad(K, out var dk);
                ctx.Launch(new AttentionKeyValueGradKernel(Sizes, need.Has(K), need.Has(V), saved, dk.Buffer, dk.Accumulate, dv.Buffer, dv.Accumulate));
            }
        }

        private bool InOneLaunch(NeedMask need) => Together && need.Has(Q) && need.Has(K);

        private static bool NeedsDelta(NeedMask need) => need.Has(Q) || need.Has(K);
    }
}
