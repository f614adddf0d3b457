using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// Device memory with several owners: the scope a tensor was made in, the tape that saved it, views of it. The last one to let go
/// gives the memory back, and the object itself to its pool.
/// </summary>
/// <remarks>
/// Memory that only the tape still owns, and that an operation on the tape can compute again from what it keeps anyway, is given back
/// at once; the backward pass has it rebuilt when it comes there.
/// </remarks>
internal sealed class Storage(StoragePool pool)
{
    private int _owners, _savers;

    public DeviceBuffer Buffer { get; private set; }

    /// <summary>The operation that can compute the content again, if there is one.</summary>
    public TapeNode? Maker { get; set; }

    /// <summary>Whether the memory was given back although the tape wants its content.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>Whether somebody beside the caller owns it too.</summary>
    public bool IsShared => _owners > 1;

    public Storage Share()
    {
        _owners++;
        return this;
    }

    /// <summary>As <see cref="Share"/>, for an input that the tape keeps: it can do with having it rebuilt.</summary>
    public Storage SaveInput()
    {
        _savers++;
        return Share();
    }

    public void Release()
    {
        if (--_owners == 0)
        {
            pool.Return(this);
        }
        else if (Maker is not null && _owners == _savers)
        {
            IsDropped = true;
            pool.Drop(this);
        }
    }

    /// <summary>The tape lets go of it.</summary>
    public void ReleaseSaved(bool asInput)
    {
        _savers -= asInput ? 1 : 0;
        if (--_owners == 0)
        {
            pool.Return(this);
        }
    }

    /// <summary>Has memory again; the caller fills it.</summary>
    public void Restore(DeviceBuffer buffer) => (Buffer, IsDropped) = (buffer, false);

    /// <summary>Begins a life with one owner.</summary>
    internal Storage Holding(DeviceBuffer buffer)
    {
        (Buffer, _owners, _savers, Maker, IsDropped) = (buffer, 1, 0, null, false);
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
        if (!storage.IsDropped)
        {
            context.Return(storage.Buffer);
        }

        _free.Push(storage);
    }

    internal void Drop(Storage storage) => context.Return(storage.Buffer);
}
