using SmartFrz.Kernels.Random;

namespace SmartFrz.Freeze.Tests;

/// <summary>Histories whose answer can be read off: a settled layer moves less and less, another one as much as ever.</summary>
internal static class ToyHistories
{
    public static readonly WeightHistoryOptions Options = new() { Window = 4, Samples = 16 };

    public static HistoryDataset Make(int count, int runs = 4)
    {
        var data = new HistoryDataset(Options, "by hand");
        var random = Philox.Keyed(5, 1);
        for (int e = 0; e < count; e++)
        {
            bool settled = random.Uniform((ulong)e) < 0.5f;
            var window = new Half[Options.Window * Options.Samples];
            for (int t = 0; t < Options.Window; t++)
            {
                for (int i = 0; i < Options.Samples; i++)
                {
                    float reach = settled ? 1 - MathF.Exp(-2f * (t + 1)) : 0.25f * (t + 1);
                    window[(t * Options.Samples) + i] = (Half)(reach * (1.5f + random.Uniform((ulong)((e * 1000) + (t * 50) + i))));
                }
            }

            data.Add(new HistoryRecord($"net{e % 2}", "toy", (ulong)(e % runs), "layer", e, (e % 10) / 10.0, settled ? 0.9 : 0.5, settled), window);
        }

        return data;
    }
}
