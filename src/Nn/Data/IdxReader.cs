using System.Buffers.Binary;
using System.Globalization;

namespace SmartFrz.Nn.Data;

/// <summary>The images of an IDX file.</summary>
/// <param name="Count">The number of images.</param>
/// <param name="Rows">Rows of an image.</param>
/// <param name="Columns">Columns of an image.</param>
/// <param name="Pixels">All pixels, (N,H,W), 0..255.</param>
public sealed record IdxImages(int Count, int Rows, int Columns, byte[] Pixels);

/// <summary>Reads the IDX files of the MNIST family, plain or gzip.</summary>
/// <remarks>
/// Format: a big-endian magic number (0x801 labels, 0x803 images), one big-endian count for each axis, then unsigned bytes.
/// Memory: an announced size is checked against the stream's length where it has one. Never more than twice the unpacked bytes that
/// are there and one megabyte, whatever the header says.
/// </remarks>
public static class IdxReader
{
    private const int LabelMagic = 0x801, ImageMagic = 0x803;

    /// <summary>Reads an image file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">There is none, or it is not an IDX image file, or is truncated, or has trailing bytes.</exception>
    public static IdxImages ReadImages(string path)
    {
        using var stream = DataFiles.Open(path);
        return ReadImages(stream, path);
    }

    /// <summary>Reads an image file from a stream, which stays open.</summary>
    /// <param name="stream">The file's bytes, plain or gzip.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">It is not an IDX image file, or is truncated, or has trailing bytes.</exception>
    public static IdxImages ReadImages(Stream stream, string name)
    {
        using var plain = new PlainStream(stream, name);
        int[] sizes = ReadHeader(plain, ImageMagic, 3, "images", name, out long bytes);
        return new IdxImages(sizes[0], sizes[1], sizes[2], ReadBody(plain, bytes, name));
    }

    /// <summary>Reads a label file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">There is none, or it is not an IDX label file, or is truncated, or has trailing bytes.</exception>
    public static byte[] ReadLabels(string path)
    {
        using var stream = DataFiles.Open(path);
        return ReadLabels(stream, path);
    }

    /// <summary>Reads a label file from a stream, which stays open.</summary>
    /// <param name="stream">The file's bytes, plain or gzip.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">It is not an IDX label file, or is truncated, or has trailing bytes.</exception>
    public static byte[] ReadLabels(Stream stream, string name)
    {
        using var plain = new PlainStream(stream, name);
        ReadHeader(plain, LabelMagic, 1, "labels", name, out long bytes);
        return ReadBody(plain, bytes, name);
    }

    /// <summary>Reads images and their labels.</summary>
    /// <param name="images">The image file's bytes.</param>
    /// <param name="imagesName">What messages call it.</param>
    /// <param name="labels">The label file's bytes.</param>
    /// <param name="labelsName">What messages call it.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <exception cref="DataFormatException">A stream is damaged, or the two do not belong together.</exception>
    public static InMemoryImageDataset ReadDataset(
        Stream images, string imagesName, Stream labels, string labelsName, IReadOnlyList<string> classNames)
    {
        var (count, rows, columns, pixels) = ReadImages(images, imagesName);
        byte[] classes = ReadLabels(labels, labelsName);
        if (classes.Length != count)
        {
            throw new DataFormatException($"{imagesName} has {count} images, {labelsName} has {classes.Length} labels");
        }

        int wrong = Array.FindIndex(classes, c => c >= classNames.Count);
        if (wrong >= 0)
        {
            throw new DataFormatException($"{labelsName}: label {wrong} is {classes[wrong]}, the data set has {classNames.Count} classes");
        }

        if (rows == 0 || columns == 0)
        {
            throw new DataFormatException($"{imagesName}: images of {rows}x{columns} pixels");
        }

        return new InMemoryImageDataset(pixels, Array.ConvertAll(classes, c => (int)c), 1, rows, columns, classNames);
    }

    private static int[] ReadHeader(PlainStream stream, int magic, int axes, string what, string name, out long bytes)
    {
        var header = new byte[4 + (4 * axes)];
        int read = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        int found = read >= 4 ? BinaryPrimitives.ReadInt32BigEndian(header) : magic;
        if (found != magic)
        {
            string meant = found switch { LabelMagic => " (labels)", ImageMagic => " (images)", _ => "" };
            throw new DataFormatException($"{name}: magic number 0x{found:x8}{meant}, an IDX file of {what} begins with 0x{magic:x8}");
        }

        if (read < header.Length)
        {
            throw new DataFormatException($"{name}: {read} bytes, the header of an IDX file of {what} alone has {header.Length}");
        }

        var sizes = new int[axes];
        UInt128 total = 1;
        for (int i = 0; i < axes; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + (4 * i)));
            total *= (uint)sizes[i];
        }

        string announced = string.Join(" x ", sizes.Select(s => ((uint)s).ToString(CultureInfo.InvariantCulture)));
        long most = stream.LargestLength is { } length ? length - (stream.IsPacked ? 0 : header.Length) : long.MaxValue;
        if (sizes.Any(s => s < 0) || total > (UInt128)Array.MaxLength)
        {
            throw new DataFormatException($"{name}: the header announces {announced} bytes, at most {Array.MaxLength} are read");
        }

        bytes = (long)total;
        if (bytes > most)
        {
            throw new DataFormatException(stream.IsPacked
                ? $"{name}: truncated, the header announces {announced} bytes, the gzip data hold at most {most}"
                : $"{name}: truncated, {most} of {bytes} bytes are there");
        }

        return sizes;
    }

    private static byte[] ReadBody(PlainStream stream, long bytes, string name)
    {
        byte[] body = stream.ReadAll(bytes);
        if (stream.ReadByte() >= 0)
        {
            throw new DataFormatException($"{name}: trailing bytes after the {bytes} that its header announces");
        }

        return body;
    }
}
