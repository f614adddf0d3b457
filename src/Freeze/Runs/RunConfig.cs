using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>Everything a run depends on. Written to <c>config.json</c> with all defaults resolved, it is enough to run it again.</summary>
public sealed record RunConfig
{
    /// <summary>The network: <c>name</c> and the options of that model.</summary>
    public JsonObject Model { get; init; } = new() { ["name"] = "resnet8" };

    /// <summary>The data: <c>name</c>, <c>dir</c> and the options of that source.</summary>
    public JsonObject Data { get; init; } = new() { ["name"] = "fashion-mnist" };

    /// <summary>The training loop.</summary>
    public TrainConfig Train { get; init; } = new();

    /// <summary>The optimizer: <c>name</c> and the options of that optimizer.</summary>
    public JsonObject Optimizer { get; init; } = new() { ["name"] = "sgd" };

    /// <summary>The schedule of the learning rate: <c>name</c> and the options of that schedule.</summary>
    public JsonObject Schedule { get; init; } = new() { ["name"] = "cosine" };

    /// <summary>The freezing policy: <c>policy</c>, <c>mode</c>, <c>units</c> and the options of that policy.</summary>
    public JsonObject Freeze { get; init; } = new() { ["policy"] = "smartfrz" };

    /// <summary>Where it runs.</summary>
    public DeviceConfig Device { get; init; } = new();

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="OptionException">A key is unknown or a value does not fit.</exception>
    public static RunConfig Read(JsonObject json)
    {
        var known = OptionBinder.Keys(typeof(RunConfig));
        foreach (var (key, value) in json)
        {
            if (!known.Contains(key))
            {
                throw new OptionException($"unknown section '{key}'{OptionBinder.DidYouMean(key, known)}; known: {string.Join(", ", known)}");
            }

            if (value is not JsonObject)
            {
                throw new OptionException($"section '{key}' is {value?.ToJsonString() ?? "null"}, expected an object");
            }
        }

        foreach (var (section, key) in new[] { ("model", "name"), ("data", "name"), ("optimizer", "name"), ("schedule", "name"), ("freeze", "policy") })
        {
            if (json[section] is JsonObject values && values.TryGetPropertyValue(key, out var name) && !(name is JsonValue text && text.TryGetValue(out string? _)))
            {
                throw new OptionException($"option '{section}.{key}' is {name?.ToJsonString() ?? "null"}, expected a text");
            }
        }

        var defaults = new RunConfig();
        return new RunConfig
        {
            Model = Over(defaults.Model, json["model"]),
            Data = Over(defaults.Data, json["data"]),
            Freeze = Over(defaults.Freeze, json["freeze"]),
            Train = OptionBinder.Bind<TrainConfig>(json["train"] as JsonObject, "train"),
            Optimizer = Over(defaults.Optimizer, json["optimizer"]),
            Schedule = Over(defaults.Schedule, json["schedule"]),
            Device = OptionBinder.Bind<DeviceConfig>(json["device"] as JsonObject, "device"),
        };
    }

    /// <summary>A section without its name, as the options of the thing it names.</summary>
    public static JsonObject OptionsOf(JsonObject section, params IEnumerable<string> without)
    {
        var options = (JsonObject)section.DeepClone();
        foreach (string key in without)
        {
            options.Remove(key);
        }

        return options;
    }

    /// <summary>The given keys of a section, those that are there.</summary>
    public static JsonObject Only(JsonObject section, params IEnumerable<string> keys)
    {
        var chosen = new JsonObject();
        foreach (string key in keys)
        {
            if (section.TryGetPropertyValue(key, out var value))
            {
                chosen[key] = value?.DeepClone();
            }
        }

        return chosen;
    }

    /// <summary>
    /// Makes a section name something else. Its options belong to what it named: they go, and what belongs to all (<c>freeze.mode</c>,
    /// <c>data.limit_train</c> and the like) stays.
    /// </summary>
    /// <param name="json">A configuration, as <see cref="Read"/> takes it.</param>
    /// <param name="section">The section: <c>model</c>, <c>data</c>, <c>optimizer</c>, <c>schedule</c> or <c>freeze</c>.</param>
    /// <param name="name">What it is to name.</param>
    public static void Rename(JsonObject json, string section, string name)
    {
        string key = section == "freeze" ? "policy" : "name";
        if (json[section] is JsonObject old && old.TryGetPropertyValue(key, out var before) && !(before is JsonValue text && text.TryGetValue(out string? same) && same == name))
        {
            json[section] = Only(old, section switch
            {
                "freeze" => CommonFreezeOptions.Keys,
                "data" => CommonDataOptions.Keys.Except(["dir"]),
                _ => [],
            });
        }

        var renamed = json[section] as JsonObject ?? [];
        json[section] = renamed;
        renamed[key] = name;
    }

    private static JsonObject Over(JsonObject defaults, JsonNode? values)
    {
        var merged = (JsonObject)defaults.DeepClone();
        foreach (var (key, value) in values as JsonObject ?? [])
        {
            merged[key] = value?.DeepClone();
        }

        return merged;
    }
}

/// <summary>The training loop's options.</summary>
public sealed record TrainConfig
{
    /// <summary>Epochs.</summary>
    /// <value>Default 8.</value>
    public int Epochs { get; init; } = 8;

    /// <summary>Images of a step.</summary>
    /// <value>Default 64.</value>
    public int Batch { get; init; } = 64;

    /// <summary>The seed of initial weights, order and augmentation.</summary>
    /// <value>Default 1.</value>
    public ulong Seed { get; init; } = 1;

    /// <summary>The share of the target spread over all classes.</summary>
    /// <value>Default 0.</value>
    public float LabelSmoothing { get; init; }

    /// <summary>The largest global norm of the gradients; 0 for no clipping.</summary>
    /// <value>Default 0.</value>
    public float ClipNorm { get; init; }

    /// <summary>Batches of a step, whose gradients are averaged.</summary>
    /// <value>Default 1.</value>
    public int Accumulate { get; init; } = 1;

    /// <summary>Epochs without a better test accuracy after which the run ends early; 0 for never.</summary>
    /// <value>Default 0.</value>
    public int Patience { get; init; }

    /// <summary>Padding of the random crop; 0 for none.</summary>
    /// <value>Default 0.</value>
    public int Crop { get; init; }

    /// <summary>Whether images are flipped at random.</summary>
    /// <value>Default false.</value>
    public bool Flip { get; init; }

    /// <summary>Steps between two lines of metrics.</summary>
    /// <value>Default 20.</value>
    public int LogInterval { get; init; } = 20;

    /// <summary>Checkpoints kept beside the best one.</summary>
    /// <value>Default 1.</value>
    public int KeepCheckpoints { get; init; } = 1;
}

/// <summary>The device's options.</summary>
public sealed record DeviceConfig
{
    /// <summary><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:I</c>.</summary>
    /// <value>Default auto: CUDA if present, else the CPU.</value>
    public string Name { get; init; } = "auto";

    /// <summary>CPU threads; 0 for all processors.</summary>
    /// <value>Default 0.</value>
    public int Threads { get; init; }

    /// <summary><c>auto</c>, <c>avx512</c>, <c>avx2</c> or <c>vector128</c>.</summary>
    /// <value>Default auto.</value>
    public string Isa { get; init; } = "auto";

    /// <summary><c>fp32</c>, <c>tf32</c> or <c>bf16</c>; the last two need CUDA.</summary>
    /// <value>Default fp32.</value>
    public string Precision { get; init; } = "fp32";
}
