namespace SmartFrz.Kernels;

/// <summary>The element types of tensors and buffers.</summary>
public enum DType : byte
{
    /// <summary>32-bit IEEE float.</summary>
    F32,

    /// <summary>bfloat16: the upper half of an F32.</summary>
    BF16,

    /// <summary>32-bit integer.</summary>
    I32,

    /// <summary>64-bit integer.</summary>
    I64,

    /// <summary>Unsigned byte.</summary>
    U8,
}

/// <summary>Facts about element types.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.BF16 => 2,
        DType.I64 => 8,
        _ => 1,
    };
}
