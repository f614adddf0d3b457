using System.Reflection;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>What every schedule takes.</summary>
public abstract record ScheduleOptions
{
    /// <summary>Steps over which the learning rate rises along a straight line before the schedule begins.</summary>
    /// <value>Default 0.</value>
    public int WarmupSteps { get; init; }
}

/// <summary>Makes schedules of one name. Every implementation is found by reflection, so a new schedule is a new file.</summary>
public interface IScheduleFamily
{
    /// <summary>The name it answers to.</summary>
    string Name { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>The record of its options, a <see cref="ScheduleOptions"/>.</summary>
    Type Options { get; }

    /// <summary>Makes a schedule that starts from a learning rate.</summary>
    /// <exception cref="OptionException">A value has no sense.</exception>
    ISchedule Create(float learningRate, ScheduleOptions options);
}

/// <summary>A family with a typed options record.</summary>
public abstract class ScheduleFamily<TOptions> : IScheduleFamily
    where TOptions : ScheduleOptions, new()
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public Type Options => typeof(TOptions);

    /// <inheritdoc/>
    public ISchedule Create(float learningRate, ScheduleOptions options)
    {
        if (options.WarmupSteps < 0)
        {
            throw new OptionException($"option 'schedule.warmup_steps' is {options.WarmupSteps}, expected at least 0");
        }

        var schedule = Create(learningRate, (TOptions)options);
        return options.WarmupSteps > 0 ? new WarmupSchedule(schedule, options.WarmupSteps) : schedule;
    }

    /// <summary>Makes a schedule; the warm-up is put before it by the caller.</summary>
    protected abstract ISchedule Create(float learningRate, TOptions options);
}

/// <summary>A schedule chosen by name, with its options.</summary>
/// <param name="Family">Who makes it.</param>
/// <param name="Options">Its options, defaults filled in.</param>
public sealed record ScheduleChoice(IScheduleFamily Family, ScheduleOptions Options)
{
    /// <summary>Makes the schedule.</summary>
    /// <exception cref="OptionException">A value has no sense.</exception>
    public ISchedule Create(float learningRate) => Family.Create(learningRate, Options);
}

/// <summary>Finds schedules by name.</summary>
public static class Schedules
{
    /// <summary>All families of this library, and of other assemblies that bring their own.</summary>
    public static IReadOnlyDictionary<string, IScheduleFamily> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IScheduleFamily>(f => [f.Name], others.Prepend(typeof(Schedules).Assembly));

    /// <summary>Reads the section <c>schedule</c> of a configuration: <c>name</c> (default cosine) and the options of that schedule.</summary>
    /// <exception cref="OptionException">The name or an option is unknown.</exception>
    public static ScheduleChoice Read(JsonObject? section, params IEnumerable<Assembly> others)
    {
        var (name, options) = OptionBinder.Named(section, "schedule", "cosine");
        var family = OptionBinder.Find("schedule", name, All(others));
        return new ScheduleChoice(family, (ScheduleOptions)OptionBinder.Bind(family.Options, options, "schedule"));
    }
}
