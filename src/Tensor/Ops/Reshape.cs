namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>The same elements under another shape; nothing is copied.</summary>
    /// <remarks>
    /// Shapes:   the counts of elements are equal; one extent may be -1 and is worked out.
    /// Gradient: dx = dy, reshaped, without a launch. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the counts differ.
    /// </remarks>
    public Tensor Reshape(params ReadOnlySpan<int> extents)
    {
        Span<int> wanted = stackalloc int[extents.Length];
        extents.CopyTo(wanted);
        int open = wanted.IndexOf(-1);
        if (open >= 0)
        {
            wanted[open] = 1;
            long rest = new Shape(wanted).Count;
            wanted[open] = rest > 0 && Shape.Count % rest == 0 ? (int)(Shape.Count / rest) : 0;
        }

        var shape = new Shape(wanted);
        if (shape.Count != Shape.Count)
        {
            throw new ShapeException($"Reshape: shape {Shape} has {Shape.Count} elements, ({string.Join(',', extents.ToArray())}) does not fit them");
        }

        return Engine.Record(ReshapeGradient.Instance, Engine.NewView(this, shape, GradSource.Data), [this]);
    }

    /// <summary>All axes from <paramref name="firstAxis"/> on made one, as before a linear layer.</summary>
    public Tensor Flatten(int firstAxis = 1)
    {
        Span<int> extents = stackalloc int[firstAxis + 1];
        for (int i = 0; i < firstAxis; i++)
        {
            extents[i] = Shape[i];
        }

        extents[firstAxis] = -1;
        return Reshape(extents);
    }

    private sealed record ReshapeGradient : Op
    {
        public static readonly ReshapeGradient Instance = new();

        public override string Name => "reshape";

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override bool PassesGradient(int input) => true;

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
        }

        public override void Backward(BackwardContext ctx)
        {
        }
    }
}
