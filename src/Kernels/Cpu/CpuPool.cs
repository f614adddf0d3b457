using System.Numerics;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>A loop body over a range of indices. Plain data only: pointers and sizes.</summary>
internal interface IParallelBody
{
    /// <summary>
    /// Does indices [begin, end) on the worker with that number (0 is the caller). A body with vector code in it is not to be inlined: in
    /// its caller the compiler may run out of what it inlines, and calls of single vector functions are left in the loop.
    /// </summary>
    void Run(int begin, int end, int worker);
}

/// <summary>
/// The worker threads of one CPU device: fork, join, no allocation. The cut of a loop into pieces depends on its length, the
/// grain and the number of threads alone, never on who was quick, so partial results added piece by piece are the same bits
/// each time.
/// </summary>
internal sealed unsafe class CpuPool : IDisposable
{
    // A worker that found nothing spins about this often (some 100 us) before it sleeps: the gap between two kernels of a step is shorter.
    private const int SpinsBeforeSleep = 400;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly Lock _oneLoopAtATime = new();

    // The loop under way. Written while no piece is out, before the ticket that publishes it.
    private void* _body;
    private delegate* managed<void*, int, int, int, void> _invoke;
    private int _count, _pieces;

    // The number of the loop (high half) and its next piece (low half), in one word: a worker that wakes late, when its loop is
    // over, cannot take a piece of the next one with the old one's body.
    private long _ticket;
    private int _unfinished;
    private Memory _workerMemory, _sharedMemory, _stagingMemory;
    private volatile bool _stop;
    private volatile Exception? _failure;

    public CpuPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _workers = new Thread[threads - 1];
        _wake = new SemaphoreSlim[threads - 1];
        _asleep = new int[threads - 1];
        for (int w = 0; w < _workers.Length; w++)
        {
            int worker = w + 1;
            _wake[w] = new SemaphoreSlim(0);
            _workers[w] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"smartfrz-cpu-{worker}" };
            _workers[w].Start();
        }
    }

    /// <summary>Workers, the calling thread included.</summary>
    public int Threads { get; }

    /// <summary>How many pieces <see cref="For{TBody}"/> makes of a loop.</summary>
    public int Pieces(int count, int grain) =>
        Math.Clamp(count / Math.Max(1, grain), 1, Threads == 1 ? 1 : Threads * PiecesPerThread);

    // More pieces than threads, so that a worker held up by another process does not hold up the loop.
    private const int PiecesPerThread = 4;

    /// <summary>
    /// Runs the body over [0, count) in pieces of at least <paramref name="grain"/> indices and returns when all are done.
    /// Piece p covers [p*count/P, (p+1)*count/P).
    /// </summary>
    public void For<TBody>(int count, int grain, ref TBody body)
        where TBody : unmanaged, IParallelBody
        => ForPieces(count, Pieces(count, grain), ref body);

    /// <summary>As <see cref="For{TBody}"/> with the number of pieces given; a body that keeps a partial result for each piece uses count = pieces.</summary>
    public void ForPieces<TBody>(int count, int pieces, ref TBody body)
        where TBody : unmanaged, IParallelBody
    {
        if (count <= 0)
        {
            return;
        }

        pieces = Math.Min(pieces, count);
        if (pieces <= 1 || Threads == 1)
        {
            for (int p = 0; p < pieces; p++)
            {
                body.Run((int)((long)p * count / pieces), (int)((long)(p + 1) * count / pieces), 0);
            }

            return;
        }

        lock (_oneLoopAtATime)
        {
            fixed (TBody* b = &body)
            {
                // Closed first: a late worker that holds the old ticket and reads the new fields fails to take its piece.
                long loop = (_ticket >> 32) + 1;
                Interlocked.Exchange(ref _ticket, _ticket | int.MaxValue);
                _body = b;
                _invoke = &Invoke<TBody>;
                _count = count;
                _pieces = pieces;
                _failure = null;
                _unfinished = pieces;
                Interlocked.Exchange(ref _ticket, loop << 32);
                for (int w = 0; w < _workers.Length; w++)
                {
                    if (Volatile.Read(ref _asleep[w]) == 1 && Interlocked.Exchange(ref _asleep[w], 0) == 1)
                    {
                        _wake[w].Release();
                    }
                }

                TakePieces(loop, 0);
                var spin = default(SpinWait);
                while (Volatile.Read(ref _unfinished) > 0)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }
            }
        }

        if (_failure is { } failure)
        {
            throw new AggregateException(failure);
        }
    }

    /// <summary>
    /// Keeps other callers out until disposed. A kernel that uses <see cref="Scratch"/> or <see cref="Shared"/> holds it from its first use
    /// to its last loop, because contexts of several threads may share one pool.
    /// </summary>
    public Lock.Scope Exclusive() => _oneLoopAtATime.EnterScope();

    /// <summary>
    /// At least that many floats of 64-byte aligned memory for each worker, content undefined, kept from call to call. Asked for before the
    /// loop, since a body is plain data. Hold <see cref="Exclusive"/>; the next call takes the memory back.
    /// </summary>
    public WorkerScratch Scratch(long floats)
    {
        // A cache line more than asked keeps neighbours apart.
        long stride = ((floats + 15) & ~15L) + 16;
        return new WorkerScratch((float*)_workerMemory.AtLeast(stride * Threads * sizeof(float)), stride);
    }

    /// <summary>As <see cref="Scratch"/>, one piece of memory that all pieces of a loop read, such as packed weights.</summary>
    public float* Shared(long floats) => (float*)_sharedMemory.AtLeast(floats * sizeof(float));

    /// <summary>As <see cref="Shared"/>, for a kernel that is made of others, which use the rest.</summary>
    public float* Staging(long floats) => (float*)_stagingMemory.AtLeast(floats * sizeof(float));

    public void Dispose()
    {
        if (_stop)
        {
            return;
        }

        _stop = true;
        foreach (var wake in _wake)
        {
            wake.Release();
        }

        foreach (var worker in _workers)
        {
            worker.Join();
        }

        _workerMemory.Free();
        _sharedMemory.Free();
        _stagingMemory.Free();
    }

    private static void Invoke<TBody>(void* body, int begin, int end, int worker)
        where TBody : unmanaged, IParallelBody
        => (*(TBody*)body).Run(begin, end, worker);

    private void TakePieces(long loop, int worker)
    {
        while (true)
        {
            long ticket = Volatile.Read(ref _ticket);
            void* body = _body;
            var invoke = _invoke;
            int count = _count, pieces = _pieces, p = (int)ticket;
            if (ticket >> 32 != loop || p >= pieces)
            {
                return;
            }

            // Success says that this loop is not over, so what was read above belongs to it.
            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) != ticket)
            {
                continue;
            }

            try
            {
                invoke(body, (int)((long)p * count / pieces), (int)((long)(p + 1) * count / pieces), worker);
            }
            catch (Exception e)
            {
                _failure = e;
            }

            Interlocked.Decrement(ref _unfinished);
        }
    }

    private void Work(int worker)
    {
        long seen = 0;
        while (true)
        {
            int spins = 0;
            while (Volatile.Read(ref _ticket) >> 32 == seen && !_stop)
            {
                if (++spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                Volatile.Write(ref _asleep[worker - 1], 1);
                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref _ticket) >> 32 == seen && !_stop)
                {
                    _wake[worker - 1].Wait();
                }
                else if (Interlocked.Exchange(ref _asleep[worker - 1], 0) == 0)
                {
                    // The caller saw us asleep and has released the semaphore: take that permit back.
                    _wake[worker - 1].Wait();
                }
            }

            if (_stop)
            {
                return;
            }

            seen = Volatile.Read(ref _ticket) >> 32;
            TakePieces(seen, worker);
        }
    }

    // Memory that only grows.
    private struct Memory
    {
        private void* _base;
        private nuint _bytes;

        public void* AtLeast(long bytes)
        {
            if (_bytes < (nuint)bytes)
            {
                Free();
                _bytes = BitOperations.RoundUpToPowerOf2((nuint)bytes);
                _base = NativeMemory.AlignedAlloc(_bytes, 64);
            }

            return _base;
        }

        public void Free()
        {
            NativeMemory.AlignedFree(_base);
            _base = null;
            _bytes = 0;
        }
    }
}

/// <summary>Memory of which each worker has a part of its own.</summary>
internal readonly unsafe struct WorkerScratch(float* first, long stride)
{
    private readonly float* _first = first;
    private readonly long _stride = stride;

    /// <summary>The worker's part.</summary>
    public float* Of(int worker) => _first + (worker * _stride);
}
