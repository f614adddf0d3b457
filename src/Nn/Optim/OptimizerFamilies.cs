using System.Reflection;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>The options of all optimizers; each takes those that it knows.</summary>
public sealed record OptimizerConfig
{
    /// <summary>The optimizer's name.</summary>
    /// <value>Default sgd.</value>
    public string Name { get; init; } = "sgd";

    /// <summary>The learning rate that the schedule starts from.</summary>
    /// <value>Default 0.1.</value>
    public float Lr { get; init; } = 0.1f;

    /// <summary>SGD's momentum.</summary>
    /// <value>Default 0.9.</value>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>Whether SGD looks ahead (Nesterov).</summary>
    /// <value>Default true.</value>
    public bool Nesterov { get; init; } = true;

    /// <summary>Weight decay.</summary>
    /// <value>Default 0.0005.</value>
    public float WeightDecay { get; init; } = 5e-4f;

    /// <summary>AdamW's decay rates.</summary>
    /// <value>Default 0.9, 0.999.</value>
    public IReadOnlyList<float> Betas { get; init; } = [0.9f, 0.999f];

    /// <summary>AdamW's epsilon.</summary>
    /// <value>Default 1e-8.</value>
    public float Eps { get; init; } = 1e-8f;
}

/// <summary>Makes optimizers of one name. Every implementation is found by reflection.</summary>
public interface IOptimizerFamily
{
    /// <summary>The name it answers to.</summary>
    string Name { get; }

    /// <summary>Makes an optimizer over all parameters of a network.</summary>
    Optimizer Create(Module network, OptimizerConfig config);
}

/// <summary>Makes schedules of one name. Every implementation is found by reflection.</summary>
public interface IScheduleFamily
{
    /// <summary>The name it answers to.</summary>
    string Name { get; }

    /// <summary>Makes a schedule that starts from a learning rate.</summary>
    ISchedule Create(float learningRate);
}

/// <summary>Finds optimizers and schedules by name.</summary>
public static class OptimizerFamilies
{
    /// <summary>Makes an optimizer.</summary>
    /// <exception cref="OptionException">The name is unknown or an option does not fit.</exception>
    public static Optimizer Create(Module network, OptimizerConfig config, params IEnumerable<Assembly> others) =>
        OptionBinder.Find("optimizer", config.Name, Named<IOptimizerFamily>(others, f => f.Name)).Create(network, config);

    /// <summary>Makes a schedule.</summary>
    /// <exception cref="OptionException">The name is unknown.</exception>
    public static ISchedule CreateSchedule(string name, float learningRate, params IEnumerable<Assembly> others) =>
        OptionBinder.Find("schedule", name, Named<IScheduleFamily>(others, f => f.Name)).Create(learningRate);

    private static Dictionary<string, T> Named<T>(IEnumerable<Assembly> others, Func<T, string> name) =>
        others.Prepend(typeof(OptimizerFamilies).Assembly)
            .SelectMany(a => a.GetTypes())
            .Where(t => t is { IsAbstract: false, IsClass: true } && t.IsAssignableTo(typeof(T)))
            .Select(t => (T)Activator.CreateInstance(t)!)
            .ToDictionary(name, StringComparer.Ordinal);
}

/// <summary>Makes <see cref="Sgd"/>.</summary>
public sealed class SgdFamily : IOptimizerFamily
{
    /// <inheritdoc/>
    public string Name => "sgd";

    /// <inheritdoc/>
    public Optimizer Create(Module network, OptimizerConfig config) =>
        new Sgd(network, config.Momentum, config.Nesterov && config.Momentum > 0, config.WeightDecay);
}

/// <summary>Makes <see cref="ConstantSchedule"/>.</summary>
public sealed class ConstantScheduleFamily : IScheduleFamily
{
    /// <inheritdoc/>
    public string Name => "constant";

    /// <inheritdoc/>
    public ISchedule Create(float learningRate) => new ConstantSchedule(learningRate);
}

/// <summary>Makes <see cref="CosineSchedule"/> down to 0.</summary>
public sealed class CosineScheduleFamily : IScheduleFamily
{
    /// <inheritdoc/>
    public string Name => "cosine";

    /// <inheritdoc/>
    public ISchedule Create(float learningRate) => new CosineSchedule(learningRate);
}

/// <summary>Makes <see cref="LinearSchedule"/> down to 0.</summary>
public sealed class LinearScheduleFamily : IScheduleFamily
{
    /// <inheritdoc/>
    public string Name => "linear";

    /// <inheritdoc/>
    public ISchedule Create(float learningRate) => new LinearSchedule(learningRate);
}

/// <summary>Makes <see cref="StepSchedule"/>: a tenth at half and at three quarters of the run, as in the ResNet paper.</summary>
public sealed class StepScheduleFamily : IScheduleFamily
{
    /// <inheritdoc/>
    public string Name => "step";

    /// <inheritdoc/>
    public ISchedule Create(float learningRate) => new StepSchedule(learningRate, [0.5, 0.75]);
}
