using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>What of the section <c>data</c> belongs to every source.</summary>
public sealed record CommonDataOptions
{
    /// <summary>The directory of the files; null where none is given.</summary>
    /// <value>Default null.</value>
    public string? Dir { get; init; }

    /// <summary>Keeps that many training examples; null for all.</summary>
    /// <value>Default null.</value>
    public int? LimitTrain { get; init; }

    /// <summary>Keeps that many test examples; null for all.</summary>
    /// <value>Default null.</value>
    public int? LimitTest { get; init; }

    /// <summary>Their names.</summary>
    internal static IReadOnlyList<string> Keys => OptionBinder.Keys(typeof(CommonDataOptions));
}
