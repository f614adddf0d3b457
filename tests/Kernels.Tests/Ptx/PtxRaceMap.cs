namespace SmartFrz.Kernels.Tests;

/// <summary>A thread at a moment: where it stands between barriers.</summary>
/// <param name="Thread">Number in the launch, from 0.</param>
/// <param name="Warp">Number of its warp in the launch.</param>
/// <param name="Group">Number of its group.</param>
/// <param name="Epoch">Barriers of the group it has passed.</param>
/// <param name="WarpEpoch">Barriers of the warp it has passed since.</param>
internal readonly record struct PtxMoment(int Thread, int Warp, int Group, int Epoch, int WarpEpoch);

/// <summary>
/// Who touched each piece of a memory last. Two threads that touch the same one, one of them writing, need something between them: a barrier
/// of their group, or of their warp. Between groups there is nothing.
/// </summary>
internal sealed class PtxRaceMap(long bytes)
{
    // The smallest element a kernel shares; smaller ones would count as touching their neighbours.
    private const int Unit = 2;

    // Most launches touch little of what they are given: pages come with their first use.
    private const int Page = 512;

    private readonly Access[]?[] _reads = new Access[Pages(bytes)][], _writes = new Access[Pages(bytes)][];

    /// <summary>Books a read; false when it races with a write.</summary>
    public bool Read(long at, int size, in PtxMoment now)
    {
        bool good = true;
        for (long i = at / Unit; i <= (at + size - 1) / Unit; i++)
        {
            good &= !At(_writes, i).ConflictsWith(now);
            At(_reads, i).Join(now);
        }

        return good;
    }

    /// <summary>Books a write; false when it races with a read or a write.</summary>
    public bool Write(long at, int size, in PtxMoment now)
    {
        bool good = true;
        for (long i = at / Unit; i <= (at + size - 1) / Unit; i++)
        {
            good &= !At(_writes, i).ConflictsWith(now) && !At(_reads, i).ConflictsWith(now);
            At(_writes, i) = new Access { Last = now, Threads = 1 };
        }

        return good;
    }

    private static long Pages(long bytes) => (((bytes + Unit - 1) / Unit) + Page - 1) / Page;

    private static ref Access At(Access[]?[] table, long unit) => ref (table[unit / Page] ??= new Access[Page])[unit % Page];

    // The accesses since the last barrier: by one thread, by several of a group, or by several groups.
    private struct Access
    {
        public PtxMoment Last;
        public int Threads;

        public readonly bool ConflictsWith(in PtxMoment now)
        {
            if (Threads == 0 || (Threads == 1 && Last.Thread == now.Thread))
            {
                return false;
            }

            if (Threads == 3 || Last.Group != now.Group)
            {
                return true;
            }

            return Last.Epoch == now.Epoch && (Threads > 1 || Last.Warp != now.Warp || Last.WarpEpoch == now.WarpEpoch);
        }

        public void Join(in PtxMoment now)
        {
            if (Threads != 0 && Last.Group != now.Group)
            {
                Threads = 3;
            }
            else if (Threads == 0 || (Threads < 3 && Last.Epoch != now.Epoch))
            {
                Threads = 1;
            }
            else if (Last.Thread != now.Thread && Threads < 3)
            {
                // Two threads of a warp with a barrier of the warp between them: the earlier one is ordered already.
                Threads = Last.Warp == now.Warp && Last.WarpEpoch != now.WarpEpoch && Threads == 1 ? 1 : 2;
            }

            Last = now;
        }
    }
}
