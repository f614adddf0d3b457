using SmartFrz.Kernels.Random;

namespace SmartFrz.Nn.Data;

/// <summary>What is done to one image: moved by (dy, dx) over black, then mirrored left to right.</summary>
/// <param name="Dy">Rows that the crop begins below the image's first row; negative above it.</param>
/// <param name="Dx">Columns that the crop begins right of the image's first column.</param>
/// <param name="Flip">Whether the crop is mirrored left to right.</param>
/// <remarks>
/// A crop of the image's own size at a random place of the image padded by p black pixels on each side is a move by -p..p.
/// </remarks>
public readonly record struct Augmentation(int Dy, int Dx, bool Flip)
{
    /// <summary>The largest move that <see cref="Key"/> can hold.</summary>
    public const int LargestShift = short.MaxValue;

    // The stream of the generator: the order of an epoch must not come from the same numbers.
    private const ulong Stream = 0x6175676D656E7400;

    /// <summary>A number that says it all: equal keys of one image mean equal pixels; 0 for nothing done.</summary>
    public ulong Key => (ushort)Dy | ((ulong)(ushort)Dx << 16) | (Flip ? 1UL << 32 : 0);

    /// <summary>The augmentation with that <see cref="Key"/>.</summary>
    public static Augmentation FromKey(ulong key) => new((short)key, (short)(key >> 16), (key >> 32 & 1) != 0);

    /// <summary>The generator of an epoch's augmentations.</summary>
    public static Philox Generator(ulong seed, int epoch) => Philox.Keyed(seed, Stream + (ulong)epoch);

    /// <summary>Draws the augmentation of an image. It depends on the generator and the image alone, not on its place in the order.</summary>
    /// <param name="generator">From <see cref="Generator"/>.</param>
    /// <param name="sampleId">The image's index in the data set.</param>
    /// <param name="padding">The largest move.</param>
    /// <param name="mayFlip">Whether half of the images are mirrored.</param>
    public static Augmentation Draw(Philox generator, int sampleId, int padding, bool mayFlip)
    {
        if (padding == 0 && !mayFlip)
        {
            return default;
        }

        var draw = generator.Block((ulong)sampleId);
        uint places = (2 * (uint)padding) + 1;
        return new Augmentation(Scaled(draw.X, places) - padding, Scaled(draw.Y, places) - padding, mayFlip && (draw.Z >> 31) != 0);
    }

    private static int Scaled(uint word, uint n) => (int)(((ulong)word * n) >> 32);
}
