namespace SmartFrz.Tensors;

/// <summary>How the elements of a tensor lie in memory. Shapes are logical: a layout never changes them.</summary>
public enum Layout : byte
{
    /// <summary>Row-major in the order of the shape (for images: NCHW).</summary>
    RowMajor,

    /// <summary>Images with the channels innermost (NHWC).</summary>
    ChannelsLast,

    /// <summary>Images in blocks of one vector's worth of channels.</summary>
    ChannelBlocked,
}
