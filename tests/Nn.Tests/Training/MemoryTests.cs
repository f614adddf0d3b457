namespace SmartFrz.Nn.Tests.Training;

/// <summary>Tests that look at the whole process: they run by themselves.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryTestsCollection;

[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    private const int WarmUp = 20, Window = 200, Windows = 3;

    [Fact]
    public void Memory_is_flat_after_the_first_steps()
    {
        int epochs = (WarmUp + (Window * Windows)) / TinyRun.StepsPerEpoch;
        using var run = new TinyRun(new TrainerOptions { Epochs = epochs, LogInterval = 5, EvaluateEachEpoch = false });
        var memory = run.Engine.Context.Memory;
        var device = new List<(long Live, long Reserved)>();
        var heap = new List<long>();
        var allocated = new List<long>();
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step >= WarmUp && (c.Step - WarmUp) % Window == 0)
                {
                    device.Add((memory.Live, memory.Reserved));
                    allocated.Add(GC.GetAllocatedBytesForCurrentThread());
                    heap.Add(HeapBytes());
                }
            },
        });
        run.Trainer.Run();
        Assert.Equal(Windows + 1, heap.Count);
        Assert.All(device, d => Assert.Equal(device[0], d));

        // The test host's own threads let the heap jump in one window or another; a leak grows in every one. 16 KB are 80 bytes a step.
        long growth = heap.Zip(heap.Skip(1), (a, b) => b - a).Min();
        Assert.True(growth < 16 * 1024, $"the heap grows by at least {growth} bytes in {Window} steps: {string.Join(", ", heap)}");

        // So few that none of them can be an object of the large object heap (85,000 bytes) in every fifth step.
        long each = (allocated[^1] - allocated[0]) / (Window * Windows);
        Assert.True(each < 16 * 1024, $"{each} bytes are allocated each step");
    }

    // What earlier tests left to finalizers must be gone before it is counted.
    private static long HeapBytes()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: false);
    }
}
