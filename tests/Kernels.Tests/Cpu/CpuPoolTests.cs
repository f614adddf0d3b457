using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests.Cpu;

public sealed unsafe class CpuPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_index_is_done_once(int threads)
    {
        using var pool = new CpuPool(threads);
        var counts = new int[1000];
        fixed (int* c = counts)
        {
            foreach (int length in new[] { 0, 1, 2, 3, 17, 999, 1000 })
            {
                foreach (int pieces in new[] { 1, 2, 7, 64, 2000 })
                {
                    counts.AsSpan().Clear();
                    var body = new CountBody { Counts = c };
                    pool.ForPieces(length, pieces, ref body);
                    Assert.All(counts.Take(length), count => Assert.Equal(1, count));
                    Assert.All(counts.Skip(length), count => Assert.Equal(0, count));
                }
            }
        }
    }

    // Many short loops of different lengths: a worker that is late for one must not touch the next.
    [Fact]
    public void Loops_of_several_callers_do_not_mix()
    {
        using var pool = new CpuPool(3);
        var failures = new string[3];
        var callers = Enumerable.Range(0, 3).Select(caller => new Thread(() => failures[caller] = CallMany(pool, caller))).ToArray();
        foreach (var caller in callers)
        {
            caller.Start();
        }

        foreach (var caller in callers)
        {
            caller.Join();
        }

        Assert.All(failures, failure => Assert.Equal(string.Empty, failure));
    }

    [Fact]
    public void A_body_that_throws_is_reported_and_the_pool_goes_on()
    {
        using var pool = new CpuPool(2);
        var counts = new int[8];
        fixed (int* c = counts)
        {
            var bad = new ThrowBody();
            Assert.Throws<AggregateException>(() =>
            {
                var body = bad;
                pool.ForPieces(8, 8, ref body);
            });

            var good = new CountBody { Counts = c };
            pool.ForPieces(8, 8, ref good);
        }

        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Workers_have_memory_of_their_own()
    {
        using var pool = new CpuPool(3);
        var scratch = pool.Scratch(100);
        for (int w = 0; w < 3; w++)
        {
            Assert.Equal(0, (nint)scratch.Of(w) % 64);
            new Span<float>(scratch.Of(w), 100).Fill(w);
        }

        for (int w = 0; w < 3; w++)
        {
            Assert.True(new Span<float>(scratch.Of(w), 100).IndexOfAnyExcept(w) < 0);
        }
    }

    private static string CallMany(CpuPool pool, int caller)
    {
        var counts = new int[64];
        fixed (int* c = counts)
        {
            for (int i = 0; i < 3000; i++)
            {
                int length = 1 + (((i * 7) + caller) % 64);
                counts.AsSpan().Clear();
                var body = new CountBody { Counts = c };
                pool.ForPieces(length, length, ref body);
                if (counts.Sum() != length || counts.Max() != 1)
                {
                    return $"caller {caller}, loop {i}: {string.Join(' ', counts)}";
                }
            }
        }

        return string.Empty;
    }

    private struct CountBody : IParallelBody
    {
        public int* Counts;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int i = begin; i < end; i++)
            {
                Interlocked.Increment(ref Counts[i]);
            }
        }
    }

    private struct ThrowBody : IParallelBody
    {
        public readonly void Run(int begin, int end, int worker)
        {
            if (begin == 3)
            {
                throw new InvalidOperationException("piece 3");
            }
        }
    }
}
