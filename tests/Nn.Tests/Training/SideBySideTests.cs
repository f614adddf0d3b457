using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Nn.Tests.Training;

public sealed class SideBySideTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Two_runs_on_one_device_are_each_as_if_alone(int threads)
    {
        using var device = new CpuDevice(threads);
        var alone = new[] { Run(device, 1), Run(device, 2) };
        var together = new SortedDictionary<string, float[]>[2];
        var failures = new Exception?[2];
        var workers = Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            try
            {
                together[i] = Run(device, (ulong)i + 1);
            }
            catch (Exception e)
            {
                failures[i] = e;
            }
        })).ToList();
        workers.ForEach(w => w.Start());
        workers.ForEach(w => w.Join());
        Assert.All(failures, Assert.Null);
        TinyRun.AssertSame(alone[0], together[0]);
        TinyRun.AssertSame(alone[1], together[1]);
        Assert.NotEqual(alone[0]["head.weight"], alone[1]["head.weight"]);
    }

    private static SortedDictionary<string, float[]> Run(CpuDevice device, ulong seed)
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 10, LogInterval = 2 }, device, seed: seed, width: 12);
        run.Trainer.Run();
        return run.State();
    }
}
