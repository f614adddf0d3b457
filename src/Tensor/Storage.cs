using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// Device memory with several owners: the scope a tensor was made in, the tape that saved it, views of it. The last one to let go
/// gives the memory back.
/// </summary>
internal sealed class Storage(DeviceContext context, DeviceBuffer buffer)
{
    private int _owners = 1;

    public DeviceBuffer Buffer { get; } = buffer;

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
            context.Return(Buffer);
        }
    }
}
