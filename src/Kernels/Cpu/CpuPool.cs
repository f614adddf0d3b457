using System.Numerics;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>A loop body over a range of indices. Plain data only: pointers and sizes.</summary>
internal interface IParallelBody
{
    /// <summary>Does indices [begin, end) on the worker with that number (0 is the caller).</summary>
    void Run(int begin, int end, int worker);
}

/// <summary>
/// The worker threads of one CPU device: fork, join, no allocation. The cut of a loop into pieces depends on its length, the
/// grain and the number of threads alone, never on who was quick, so partial results added piece by piece are the same bits
/// each time.
/// </summary>
internal sealed unsafe class CpuPool : IDisposable
{
    // A worker that found nothing spins about this often (some 20 us) before it sleeps: the gap between two kernels of a step is shorter.
    private const int SpinsBeforeSleep = 2000;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly nint[] _scratch;
    private readonly nuint[] _scratchBytes;
    private readonly Lock _oneLoopAtATime = new();

    private void* _body;
    private delegate* managed<void*, int, int, int, void> _invoke;
    private int _count, _pieces;
    private int _nextPiece, _unfinished;
    private int _epoch;
    private volatile bool _stop;
    private volatile Exception? _failure;

    public CpuPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _scratch = new nint[threads];
        _scratchBytes = new nuint[threads];
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
                _body = b;
                _invoke = &Invoke<TBody>;
                _count = count;
                _pieces = pieces;
                _failure = null;
                Volatile.Write(ref _nextPiece, 0);
                Volatile.Write(ref _unfinished, _workers.Length);
                Interlocked.Increment(ref _epoch);
                for (int w = 0; w < _workers.Length; w++)
                {
                    if (Interlocked.Exchange(ref _asleep[w], 0) == 1)
                    {
                        _wake[w].Release();
                    }
                }

                TakePieces(0);
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

    /// <summary>At least that many floats of 64-byte aligned memory owned by the worker, content undefined, kept from call to call.</summary>
    public float* Scratch(int worker, long floats)
    {
        nuint bytes = (nuint)floats * sizeof(float);
        if (_scratchBytes[worker] < bytes)
        {
            bytes = BitOperations.RoundUpToPowerOf2(bytes);
            NativeMemory.AlignedFree((void*)_scratch[worker]);
            _scratch[worker] = (nint)NativeMemory.AlignedAlloc(bytes, 64);
            _scratchBytes[worker] = bytes;
        }

        return (float*)_scratch[worker];
    }

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

        foreach (nint scratch in _scratch)
        {
            NativeMemory.AlignedFree((void*)scratch);
        }
    }

    private static void Invoke<TBody>(void* body, int begin, int end, int worker)
        where TBody : unmanaged, IParallelBody
        => (*(TBody*)body).Run(begin, end, worker);

    private void TakePieces(int worker)
    {
        try
        {
            int count = _count, pieces = _pieces;
            for (int p = Interlocked.Increment(ref _nextPiece) - 1; p < pieces; p = Interlocked.Increment(ref _nextPiece) - 1)
            {
                _invoke(_body, (int)((long)p * count / pieces), (int)((long)(p + 1) * count / pieces), worker);
            }
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }

    private void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            int spins = 0;
            while (Volatile.Read(ref _epoch) == seen && !_stop)
            {
                if (++spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                Volatile.Write(ref _asleep[worker - 1], 1);
                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref _epoch) == seen && !_stop)
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

            seen = Volatile.Read(ref _epoch);
            TakePieces(worker);
            Interlocked.Decrement(ref _unfinished);
        }
    }
}
