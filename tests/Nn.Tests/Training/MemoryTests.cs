namespace SmartFrz.Nn.Tests.Training;

/// <summary>Tests that look at the whole process: they run by themselves.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryTestsCollection;

[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    [Fact]
    public void Memory_is_flat_after_the_first_steps()
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 44, LogInterval = 5, EvaluateEachEpoch = false });
        var memory = run.Engine.Context.Memory;
        (long Live, long Reserved, long Heap) early = default, late = default;
        long allocated = 0;
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                // The runtime's own heap grows once by some 100 KB in the first forced collections.
                if (c.Step == 10)
                {
                    HeapBytes();
                }
                else if (c.Step == 20)
                {
                    early = (memory.Live, memory.Reserved, HeapBytes());
                    allocated = GC.GetAllocatedBytesForCurrentThread();
                }
                else if (c.Step == 220)
                {
                    allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                    late = (memory.Live, memory.Reserved, HeapBytes());
                }
            },
        });
        run.Trainer.Run();
        Assert.Equal(early.Live, late.Live);
        Assert.Equal(early.Reserved, late.Reserved);
        Assert.True(late.Heap - early.Heap < 64 * 1024, $"the heap went from {early.Heap} to {late.Heap} bytes");
        // Less than one object of the large object heap (85,000 bytes) each step.
        Assert.True(allocated / 200 < 85_000, $"{allocated / 200} bytes are allocated each step");
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
