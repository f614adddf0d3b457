using System.Globalization;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>What <see cref="StepRun"/> does beside what its configuration says.</summary>
public sealed record StepOptions
{
    /// <summary>Training steps.</summary>
    /// <value>Default 1.</value>
    public int Steps { get; init; } = 1;

    /// <summary>What freezes when. Moments at or after the last step do nothing.</summary>
    /// <value>Default: nothing.</value>
    public IReadOnlyList<FreezeMoment> Freeze { get; init; } = [];
}

/// <summary>Names that freeze before a step runs.</summary>
/// <param name="Step">The step, counted from 0.</param>
/// <param name="Names">Modules and parameters, see <see cref="FrozenNames"/>.</param>
public sealed record FreezeMoment(long Step, IReadOnlyList<string> Names)
{
    /// <summary>Reads <c>STEP:NAME,NAME</c>.</summary>
    /// <exception cref="OptionException">It is something else.</exception>
    public static FreezeMoment Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && long.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            ? new FreezeMoment(step, FrozenNames.Parse(text[(colon + 1)..]))
            : throw new OptionException($"'{text}' is not STEP:NAME,NAME with a step from 0 on, as in 2:conv1,bn1");
    }
}
