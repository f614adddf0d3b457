using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>What of the section <c>freeze</c> belongs to every policy.</summary>
public sealed record CommonFreezeOptions
{
    /// <summary>Which units may freeze at all.</summary>
    /// <value>Default prefix.</value>
    public FreezeMode Mode { get; init; }

    /// <summary>How large the units are.</summary>
    /// <value>Default blocks.</value>
    public UnitGranularity Units { get; init; }

    /// <summary>Their names.</summary>
    internal static IReadOnlyList<string> Keys => OptionBinder.Keys(typeof(CommonFreezeOptions));
}
