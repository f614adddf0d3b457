using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// Device memory with several owners: the scope a tensor was made in, the tape that saved it, views of it. The last one to let go
/// gives the memory back, and the object itself to its pool.
/// </summary>
internal sealed class Storage(StoragePool pool)
{
    private int _owners;

    public DeviceBuffer Buffer { get; private set; }

    /// <summary>Whether somebody beside the caller owns it too.</summary>
    public bool IsShared => _owners > 1;

    public Storage Share()
    {
        _owners++;
        return this;
    }

    public void Release()
    {
        if (--_owners == 0)
        {
            pool.Return(this);
        }
    }

    /// <summary>Begins a life with one owner.</summary>
    internal Storage Holding(DeviceBuffer buffer)
    {
        (Buffer, _owners) = (buffer, 1);
        return this;
    }
}

/// <summary>Lends memory as <see cref="Storage"/>; the objects come back, so that a step allocates none.</summary>
internal sealed class StoragePool(DeviceContext context)
{
    private readonly Stack<Storage> _free = new();

    public Storage Rent(long bytes, BufferKind kind) => (_free.TryPop(out var storage) ? storage : new Storage(this)).Holding(context.Rent(bytes, kind));

    internal void Return(Storage storage)
    {
        context.Return(storage.Buffer);
        _free.Push(storage);
    }
}
