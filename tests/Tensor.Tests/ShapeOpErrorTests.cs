using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Tensors.Tests;

/// <summary>Operations that move elements say what does not fit.</summary>
public sealed class ShapeOpErrorTests
{
    [Fact]
    public void Messages_name_both_sides()
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        var a = engine.NewTensor(new Shape(2, 3));

        Says("Permute: order (0,0) does not name each axis of shape (2,3) once", () => a.Permute(0, 0));
        Says("Permute: order (0) does not name each axis of shape (2,3) once", () => a.Permute(0));
        Says("Transpose: axes 0 and 2 of shape (2,3), which has 2 axes", () => a.Transpose(0, 2));
        Says("Slice: axis 1 of shape (2,3) has extent 3, 2 elements from 1 on in steps of 2 do not lie within it", () => a.Slice(1, 1, 2, 2));
        Says("Slice: 1 ranges for shape (2,3), which has 2 axes", () => a.Slice(new AxisRange(0, 1)));
        Says("Pad: -1 zeros before and 0 after axis 0 of shape (2,3), neither can be negative", () => a.Pad(0, -1, 0));
        Says("Concat: shapes (2,3) and (3,3) differ in more than axis 1", () => Tensor.Concat(1, a, engine.NewTensor(new Shape(3, 3))));
        Says("Expand: shape (2,3) cannot be repeated to (3)", () => a.Expand(new Shape(3)));
    }

    private static void Says(string message, Func<Tensor> operation) =>
        Assert.Equal(message, Assert.Throws<ShapeException>(() => { operation(); }).Message);
}
