namespace SmartFrz.Nn;

/// <summary>For which images the beginning of a network is made.</summary>
public enum Stem
{
    /// <summary>Large ones: they are made smaller at once, as in the papers.</summary>
    Imagenet,

    /// <summary>Small ones of 28 or 32 rows: the first layers keep their size.</summary>
    Cifar,
}
