using SmartFrz.Kernels.Random;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Sets elements to zero at random while training; does nothing in evaluation and when frozen.</summary>
/// <remarks>
/// Which elements is a function of (seed, layer name, <see cref="Engine.StepNumber"/>, element), so a resumed run draws the same.
/// Two calls of one layer within a step draw the same.
/// </remarks>
public sealed class Dropout : Module
{
    private readonly float _probability;
    private readonly Philox _key;
    private readonly StepNumber _step;
    private readonly bool _ownsStep;

    /// <summary>A layer.</summary>
    /// <param name="scope">Its scope; its name and seed are the random numbers' key.</param>
    /// <param name="probability">The share of elements that become zero.</param>
    /// <exception cref="OptionException">The probability is outside [0, 1).</exception>
    public Dropout(ModuleScope scope, float probability)
        : base(scope)
    {
        if (probability is not (>= 0f and < 1f))
        {
            throw new OptionException(FormattableString.Invariant($"dropout is {probability}, expected a number from 0 to below 1"));
        }

        _probability = probability;
        _key = Philox.Keyed(scope.Seed, Initializer.StableHash(scope.NameOf("dropout")));
        _ownsStep = scope.Tree.StepNumber is null;
        _step = scope.Tree.StepNumber ??= new StepNumber(Engine);
    }

    // Whether a call changes anything.
    internal bool IsActive => IsTraining && _probability > 0f;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) =>
        IsActive ? input.Dropout(_probability, _key, _step.Current()) : input;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _ownsStep)
        {
            _step.Dispose();
        }

        base.Dispose(disposing);
    }
}
