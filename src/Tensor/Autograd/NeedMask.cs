using System.Numerics;

namespace SmartFrz.Tensors;

/// <summary>Which inputs of an operation need a gradient: one bit each.</summary>
public readonly record struct NeedMask(uint Bits)
{
    /// <summary>None.</summary>
    public static NeedMask None => default;

    /// <summary>Whether no input needs one.</summary>
    public bool IsEmpty => Bits == 0;

    /// <summary>How many inputs need one.</summary>
    public int Count => BitOperations.PopCount(Bits);

    /// <summary>Whether input <paramref name="input"/> needs one.</summary>
    public bool Has(int input) => (Bits >> input & 1) != 0;

    /// <summary>The mask with that input added.</summary>
    public NeedMask With(int input) => new(Bits | 1u << input);

    /// <summary>The mask with that input removed.</summary>
    public NeedMask Without(int input) => new(Bits & ~(1u << input));

    /// <summary>Every input of <paramref name="count"/>.</summary>
    public static NeedMask All(int count) => new((1u << count) - 1);
}

/// <summary>Which tensors an operation keeps for its backward pass.</summary>
public readonly record struct SavedSet
{
    private const int OutputBit = 15, FirstExtraBit = 16;

    private readonly uint _bits;

    private SavedSet(uint bits) => _bits = bits;

    /// <summary>Nothing.</summary>
    public static SavedSet None => default;

    /// <summary>The output.</summary>
    public static SavedSet Output => new(1u << OutputBit);

    /// <summary>Whether the output is in the set.</summary>
    public bool HasOutput => (_bits & 1u << OutputBit) != 0;

    /// <summary>The union.</summary>
    public static SavedSet operator |(SavedSet a, SavedSet b) => new(a._bits | b._bits);

    /// <summary>An input, when the condition holds.</summary>
    public static SavedSet Input(int input, bool when = true) => when ? new(1u << input) : default;

    /// <summary>One of the extra tensors the forward pass made (statistics, indices), when the condition holds.</summary>
    public static SavedSet Extra(int extra, bool when = true) => when ? new(1u << (FirstExtraBit + extra)) : default;

    /// <summary>Whether that input is in the set.</summary>
    public bool HasInput(int input) => (_bits >> input & 1) != 0;

    /// <summary>Whether that extra tensor is in the set.</summary>
    public bool HasExtra(int extra) => (_bits >> (FirstExtraBit + extra) & 1) != 0;
}
