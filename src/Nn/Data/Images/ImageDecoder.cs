using StbImageSharp;

namespace SmartFrz.Nn.Data;

/// <summary>Decodes JPEG and PNG files into planar bytes.</summary>
/// <remarks>
/// Computes: grey images become equal channels, colour images grey ones where one channel is asked for; transparency is dropped.
/// Memory:   a small multiple of the image's own bytes; <see cref="ImageHeader"/> bounds what a file may announce, and
/// <see cref="PngData"/> what its data unpack to.
/// </remarks>
internal static class ImageDecoder
{
    /// <summary>Decodes an image of exactly that size.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="size">What its header says.</param>
    /// <param name="chw">Receives channels*H*W bytes.</param>
    /// <exception cref="DataFormatException">It is damaged.</exception>
    public static void Decode(byte[] file, string name, int channels, ImageHeader size, Span<byte> chw)
    {
        byte[] pixels = Pixels(file, name, channels, size);
        int plane = size.Width * size.Height;
        if (channels == 1)
        {
            pixels.CopyTo(chw);
            return;
        }

        var red = chw[..plane];
        var green = chw.Slice(plane, plane);
        var blue = chw.Slice(2 * plane, plane);
        for (int i = 0, at = 0; i < plane; i++, at += 3)
        {
            red[i] = pixels[at];
            green[i] = pixels[at + 1];
            blue[i] = pixels[at + 2];
        }
    }

    private static byte[] Pixels(byte[] file, string name, int channels, ImageHeader size)
    {
        if (ImageHeader.IsPng(file))
        {
            PngData.Check(file, name);
        }

        ImageResult image;
        try
        {
            image = ImageResult.FromMemory(file, channels == 1 ? ColorComponents.Grey : ColorComponents.RedGreenBlue);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The decoder throws whatever the damage makes it stumble over.
            throw new DataFormatException($"{name}: cannot be decoded: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        return image.Width == size.Width && image.Height == size.Height && image.Data.Length == channels * size.Width * size.Height
            ? image.Data
            : throw new DataFormatException($"{name}: decodes to {image.Width}x{image.Height} pixels, its header says {size.Width}x{size.Height}");
    }
}
