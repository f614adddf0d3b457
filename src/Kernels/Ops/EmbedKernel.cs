using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>A part of a larger array: along each axis <c>Lengths</c> elements from <c>Starts</c> on, <c>Steps</c> apart.</summary>
public record struct StridedWindow
{
    /// <summary>The extents of the large array, and of the window its first element, length and step along each axis; 1, 0, 1, 1 for axes not in use.</summary>
    public Axes Extents, Starts, Lengths, Steps;

    /// <summary>The elements of the large array.</summary>
    public readonly int Elements => Extents.A0 * Extents.A1 * Extents.A2 * Extents.A3 * Extents.A4 * Extents.A5;

    /// <summary>The elements of the window.</summary>
    public readonly int WindowElements => Lengths.A0 * Lengths.A1 * Lengths.A2 * Lengths.A3 * Lengths.A4 * Lengths.A5;

    /// <summary>The window's first element in the large array.</summary>
    public readonly int First
    {
        get
        {
            int first = 0;
            for (int axis = 0; axis < Axes.Count; axis++)
            {
                first = (first * Extents[axis]) + Starts[axis];
            }

            return first;
        }
    }

    /// <summary>A window of an array of that shape.</summary>
    /// <exception cref="NotSupportedException">More than 2^31 - 1 elements: the kernels index with 32 bits.</exception>
    public static StridedWindow Of(ReadOnlySpan<int> extents, ReadOnlySpan<int> starts, ReadOnlySpan<int> lengths, ReadOnlySpan<int> steps)
    {
        var window = default(StridedWindow);
        long elements = 1;
        for (int axis = 0; axis < Axes.Count; axis++)
        {
            int i = axis - (Axes.Count - extents.Length);
            (window.Extents[axis], window.Starts[axis], window.Lengths[axis], window.Steps[axis]) =
                i < 0 ? (1, 0, 1, 1) : (extents[i], starts[i], lengths[i], steps[i]);
            elements *= window.Extents[axis];
        }

        return elements <= int.MaxValue
            ? window
            : throw new NotSupportedException($"a window into an array of {elements} elements: at most {int.MaxValue} are supported");
    }

    /// <summary>The walk over the window: its first array is the large one, its second the window's own elements, packed.</summary>
    public readonly StridedPair Walk()
    {
        Span<int> lengths = stackalloc int[Axes.Count], large = stackalloc int[Axes.Count], packed = stackalloc int[Axes.Count];
        int stride = 1, dense = 1;
        for (int axis = Axes.Count - 1; axis >= 0; axis--)
        {
            lengths[axis] = Lengths[axis];
            large[axis] = stride * Steps[axis];
            packed[axis] = dense;
            stride *= Extents[axis];
            dense *= Lengths[axis];
        }

        return StridedPair.Of(lengths, large, packed);
    }
}

/// <summary>y = x inside the window and 0 elsewhere, or y += x inside the window: padding, and the gradient of a slice.</summary>
public readonly unsafe struct EmbedKernel(in StridedWindow window, DeviceBuffer x, DeviceBuffer y, bool accumulate = false) : IKernel
{
    private readonly StridedWindow _window = window;
    private readonly DeviceBuffer _x = x, _y = y;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "embed";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _window.WindowElements,
        (_window.WindowElements + (_accumulate ? 2L * _window.WindowElements : _window.Elements)) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* y = CpuContext.Floats(_y);
        if (!_accumulate)
        {
            // Some 64k elements are worth a fork.
            var clear = new EmbedClear { Y = y };
            cpu.Pool.For(_window.Elements, 65536, ref clear);
        }

        var walk = _window.Walk();
        (walk.First, walk.Second) = (walk.Second, walk.First);
        var segment = new StridedCopySegment { X = CpuContext.Floats(_x), Y = y + _window.First, Accumulate = _accumulate };
        new StridedLoop<StridedCopySegment>(segment, cpu, walk).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var (x, y) = (CudaContext.Floats(_x), CudaContext.Floats(_y));
        if (_accumulate)
        {
            var walk = _window.Walk();
            (walk.First, walk.Second) = (walk.Second, walk.First);
            int count = (int)walk.Elements;
            cuda.LaunchElements(StridedCopyCuda.Apply, count, new StridedCopyCuda.Args { Walk = walk, X = x, Y = y, FirstOfY = _window.First, Count = count, Accumulate = 1 });
            return;
        }

        cuda.LaunchElements(EmbedCuda.Apply, _window.Elements, new EmbedCuda.Args { Window = _window, X = x, Y = y, Count = _window.Elements });
    }
}

/// <summary>Zeroes a range of elements.</summary>
internal unsafe struct EmbedClear : IParallelBody
{
    public float* Y;

    public readonly void Run(int begin, int end, int worker) => new Span<float>(Y + begin, end - begin).Clear();
}

/// <summary>The CUDA body of <see cref="EmbedKernel"/>.</summary>
internal static class EmbedCuda
{
    public struct Args
    {
        public StridedWindow Window;
        public ArrayView<float> X, Y;
        public int Count;
    }

    // One thread owns every (grid size)-th element of y and looks whether it lies in the window.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var w = a.Window;
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            // From the innermost axis out: where the element stands in x, negative once it has left the window.
            int rest = (int)i;
            int at = Step(0, 1, rest % w.Extents.A5, w.Starts.A5, w.Lengths.A5, w.Steps.A5);
            int stride = w.Lengths.A5;
            rest /= w.Extents.A5;
            at = Step(at, stride, rest % w.Extents.A4, w.Starts.A4, w.Lengths.A4, w.Steps.A4);
            stride *= w.Lengths.A4;
            rest /= w.Extents.A4;
            at = Step(at, stride, rest % w.Extents.A3, w.Starts.A3, w.Lengths.A3, w.Steps.A3);
            stride *= w.Lengths.A3;
            rest /= w.Extents.A3;
            at = Step(at, stride, rest % w.Extents.A2, w.Starts.A2, w.Lengths.A2, w.Steps.A2);
            stride *= w.Lengths.A2;
            rest /= w.Extents.A2;
            at = Step(at, stride, rest % w.Extents.A1, w.Starts.A1, w.Lengths.A1, w.Steps.A1);
            stride *= w.Lengths.A1;
            rest /= w.Extents.A1;
            at = Step(at, stride, rest, w.Starts.A0, w.Lengths.A0, w.Steps.A0);
            float y = 0f;
            if (at >= 0)
            {
                y = a.X[at];
            }

            a.Y[i] = y;
        }
    }

    private static int Step(int at, int stride, int c, int start, int length, int step)
    {
        int k = (c - start) / step;
        bool inside = c >= start && k * step == c - start && k < length;
        return inside && at >= 0 ? at + (k * stride) : -1;
    }
}
