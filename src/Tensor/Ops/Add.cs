using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes a + b, element by element.</summary>
    /// <remarks>
    /// Shapes:   a, b of the same shape.
    /// Gradient: da = dy, db = dy, without a launch: the buffer is shared. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the shapes differ.
    /// </remarks>
    public Tensor Add(Tensor other)
    {
        RequireSameEngine(other, "Add");
        if (Shape != other.Shape)
        {
            throw new ShapeException($"Add: shapes {Shape} and {other.Shape} differ");
        }

        var y = Engine.NewTensor(Shape);
        Engine.Launch(new BinaryKernel<AddOp>(default, Buffer, other.Buffer, y.Buffer, Shape.Count));
        return Engine.Record(AddGradient.Instance, y, [this, other]);
    }

    private sealed class AddGradient : Op
    {
        public static readonly AddGradient Instance = new();

        public override string Name => AddOp.Name;

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
