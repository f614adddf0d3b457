using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>How sums over the channels of a batch are cut into pieces of work. Depends on the sizes and the vector width alone.</summary>
/// <remarks>
/// Planes of at least a vector are walked one channel at a time. Smaller ones (1x1 in a classifier) are walked by columns of the matrix
/// (N, C * plane), a vector of columns at a time, and the columns of a channel are added at the end.
/// </remarks>
internal readonly struct CpuBatchNormCut
{
    // Pieces that keep a few dozen threads busy; more would only make the final merge longer.
    private const int WantedItems = 32;

    // Elements below which a piece is not cut further, and below which a second thread does not pay.
    private const int ElementsPerItem = 8192;

    // Rows of a strip of columns below which it is not cut further.
    private const int RowsPerBlock = 512;

    // Planes of fewer elements go by columns: the widest register.
    private const int SmallestPlane = 16;

    // The strips counted for the number of blocks, so that it is the same for all widths.
    private const int StripColumns = 16;

    private CpuBatchNormCut(BatchNormShape shape)
    {
        Shape = shape;
        ByColumns = IsByColumns(shape);
        int parts = ByColumns ? (shape.Row + StripColumns - 1) / StripColumns : shape.C;
        long most = ByColumns ? shape.N / RowsPerBlock : Math.Min(shape.N, shape.PerChannel / ElementsPerItem);
        Blocks = (int)Math.Clamp((WantedItems + parts - 1) / Math.Max(1, parts), 1, Math.Max(1, most));
    }

    public BatchNormShape Shape { get; }

    public bool ByColumns { get; }

    /// <summary>Blocks of samples.</summary>
    public int Blocks { get; }

    /// <summary>Partial results of one block.</summary>
    public long Columns => ByColumns ? Shape.Row : Shape.C;

    /// <summary>Memory for all partial results.</summary>
    public long PartialBytes => Blocks * Columns * Math.Max(Unsafe.SizeOf<CpuMoments>(), Unsafe.SizeOf<CpuBatchNormPair>());

    /// <summary>Partial results of one block that belong to a channel.</summary>
    public int ColumnsPerChannel => ByColumns ? Shape.Plane : 1;

    public static CpuBatchNormCut Of(BatchNormShape shape) => new(shape);

    /// <summary>Whether planes are so small that vectors run over several channels.</summary>
    public static bool IsByColumns(BatchNormShape shape) => shape.Plane < SmallestPlane;

    /// <summary>The first sample of a block.</summary>
    public int FirstSample(int block) => (int)((long)block * Shape.N / Blocks);

    /// <summary>Pieces of work.</summary>
    public int Items(int width) => Blocks * Parts(width);

    /// <summary>The block of samples and the channel or strip of a piece.</summary>
    public (int Block, int Part) Item(int item, int width) => Math.DivRem(item, Parts(width));

    /// <summary>Pieces that one thread takes at least.</summary>
    public int Grain(int width)
    {
        long elements = Shape.Count / Math.Max(1, Items(width));
        return (int)Math.Clamp(ElementsPerItem / Math.Max(1, elements), 1, int.MaxValue);
    }

    private int Parts(int width) => ByColumns ? (Shape.Row + width - 1) / width : Shape.C;
}

/// <summary>The two sums of a backward pass.</summary>
internal struct CpuBatchNormPair
{
    public double Sum, Product;

    public void Add(CpuBatchNormPair other)
    {
        Sum += other.Sum;
        Product += other.Product;
    }
}
