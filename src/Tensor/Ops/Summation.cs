using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>The one or two launches of a sum, and what they cost.</summary>
internal static class Summation
{
    /// <summary>Writes or adds scale * sum over the reduced axes.</summary>
    public static void Launch<TOp>(DeviceContext context, in ReduceGeometry geometry, double scale, DeviceBuffer x, GradTarget y)
        where TOp : unmanaged, ISumOp
    {
        if (geometry.Pieces == 1)
        {
            context.Launch(new SumKernel<TOp>(geometry, scale, x, y.Buffer, y.Accumulate));
            return;
        }

        var partials = context.Rent(SumKernel<TOp>.WorkspaceBytes(geometry), BufferKind.Workspace);
        context.Launch(new SumKernel<TOp>(geometry, scale, x, partials));
        context.Launch(new SumFinishKernel(geometry, scale, partials, y.Buffer, y.Accumulate));
        context.Return(partials);
    }

    /// <summary>Announces the same launches for the gradient of an input.</summary>
    public static void Estimate<TOp>(BackwardEstimate estimate, int input, in ReduceGeometry geometry)
        where TOp : unmanaged, ISumOp
    {
        estimate.Add(input, new SumKernel<TOp>(geometry, 1, default, default, estimate.Accumulates(input)).Cost);
        if (geometry.Pieces > 1)
        {
            estimate.Add(input, new SumFinishKernel(geometry, 1, default, default, estimate.Accumulates(input)).Cost);
        }
    }
}
