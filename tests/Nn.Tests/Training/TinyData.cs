using SmartFrz.Kernels.Random;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests.Training;

/// <summary>Images of 8x8 that a small network can tell apart: a bright band of rows says the class, so that mirroring does no harm; noise over all.</summary>
internal static class TinyData
{
    public const int Classes = 4, Side = 8;

    public static InMemoryImageDataset Make(int count, ulong seed = 1)
    {
        var random = Philox.Keyed(seed, 77);
        var pixels = new byte[count * Side * Side];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % Classes;
            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                {
                    int at = (((i * Side) + y) * Side) + x;
                    bool bright = y / (Side / Classes) == labels[i];
                    pixels[at] = (byte)(random.Below((ulong)at, 128) + (bright ? 64 : 0));
                }
            }
        }

        return new InMemoryImageDataset(pixels, labels, 1, Side, Side, ["a", "b", "c", "d"]);
    }
}
