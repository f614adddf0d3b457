namespace SmartFrz.Freeze;

/// <summary>What a policy wants: units to freeze and to thaw, each with its reason.</summary>
/// <param name="Freeze">Units to freeze.</param>
/// <param name="Thaw">Units to thaw.</param>
public sealed record FreezeDecision(IReadOnlyList<UnitDecision> Freeze, IReadOnlyList<UnitDecision> Thaw)
{
    /// <summary>Leave everything as it is.</summary>
    public static FreezeDecision None { get; } = new([], []);

    /// <summary>Whether it changes nothing.</summary>
    public bool IsEmpty => Freeze.Count == 0 && Thaw.Count == 0;

    /// <summary>Freeze these units.</summary>
    public static FreezeDecision ToFreeze(IEnumerable<UnitDecision> units) => new([.. units], []);
}

/// <summary>One unit's part of a decision.</summary>
/// <param name="Unit">The unit's name.</param>
/// <param name="Score">The probability or score behind it, if there is one.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record UnitDecision(string Unit, double? Score, string Reason);

/// <summary>A unit that was frozen or thawed, as reports and <c>freeze.jsonl</c> have it.</summary>
/// <param name="Unit">The unit's name.</param>
/// <param name="Frozen">True when it was frozen, false when thawed.</param>
/// <param name="Step">Steps finished at that moment.</param>
/// <param name="Epoch">The same in epochs.</param>
/// <param name="Score">The probability or score behind it, if there is one.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record FreezeEvent(string Unit, bool Frozen, long Step, double Epoch, double? Score, string Reason);
