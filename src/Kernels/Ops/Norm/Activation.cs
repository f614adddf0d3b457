namespace SmartFrz.Kernels;

/// <summary>What a normalisation applies to its result in the same pass. The values count the comparisons it takes.</summary>
public enum Activation
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>max(x, 0)</summary>
    Relu,

    /// <summary>min(max(x, 0), 6)</summary>
    Relu6,
}
