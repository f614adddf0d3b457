namespace SmartFrz.Freeze;

/// <summary>Never freezes: full training, the measure of all others.</summary>
public sealed class NonePolicy : FreezePolicy
{
    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    public override FreezeDecision Decide(FreezeContext context) => FreezeDecision.None;
}

/// <summary>Makes <see cref="NonePolicy"/>.</summary>
public sealed class NonePolicyFactory : FreezePolicyFactory<NoPolicyOptions>
{
    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    public override string Description => "full training";

    /// <inheritdoc/>
    protected override FreezePolicy Create(NoPolicyOptions options) => new NonePolicy();
}
