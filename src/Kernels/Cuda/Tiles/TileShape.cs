namespace SmartFrz.Kernels.Cuda;

/// <summary>
/// How many threads share one tile of a product. Each thread owns 4x4 elements of it (<see cref="TiledProduct.Micro"/>).
/// </summary>
internal interface ITileShape
{
    /// <summary>Threads along each side of the tile, a power of two; a group has Side * Side threads.</summary>
    static abstract int Side { get; }

    /// <summary>How much of the summed axis is in shared memory at a time, a power of two.</summary>
    static abstract int Depth { get; }
}

/// <summary>256 threads on a 64x64 tile: for a GPU.</summary>
internal readonly struct GpuTile : ITileShape
{
    public static int Side => 16;

    public static int Depth => 16;
}

/// <summary>4 threads on an 8x8 tile: for the emulator, where every thread is one of the operating system's.</summary>
internal readonly struct EmulatorTile : ITileShape
{
    public static int Side => 2;

    public static int Depth => 4;
}
