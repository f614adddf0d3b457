using System.Text.Json.Nodes;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>What a network is to be fed: model options of those names follow it where the configuration leaves them open.</summary>
/// <param name="Channels">Channels of an image; null where nothing is said.</param>
/// <param name="Size">Rows of an image; null where nothing is said.</param>
/// <param name="Classes">Classes; null where nothing is said.</param>
/// <param name="Vocabulary">Tokens of a vocabulary; null where nothing is said.</param>
/// <param name="KeepsForm">Whether a network with another form for small images keeps the form that it has without a size.</param>
public readonly record struct NetworkInput(int? Channels = null, int? Size = null, int? Classes = null, int? Vocabulary = null, bool KeepsForm = false)
{
    /// <summary>Examples of a data set.</summary>
    public static NetworkInput Of(DataSplits data) => data switch
    {
        ImageSplits images => new(images.Train.Channels, images.Train.Height, images.ClassNames.Count),
        TextSplits texts => new(Classes: texts.ClassNames.Count, Vocabulary: texts.Train.Vocabulary.Count),
        _ => new(Classes: data.ClassNames.Count),
    };

    /// <summary>Images of one batch; of texts nothing follows. The batch is taken as it is, and so is the network's form.</summary>
    public static NetworkInput Of(TensorBatch batch) =>
        batch.Inputs[0].Shape is { Rank: 4 } image ? new(image[1], image[2], KeepsForm: true) : default;
}

/// <summary>Builds the network that the section <c>model</c> of a configuration describes.</summary>
/// <remarks>Beside the options of the model itself the section holds <c>weights</c>, a file to start from, and <c>weights_partial</c>.</remarks>
public static class ConfiguredNetwork
{
    // What of the section is not the model's own.
    internal static readonly string[] WeightsKeys = ["weights", "weights_partial"];

    /// <summary>Builds the network with fresh parameters, and units as large as the section <c>freeze</c> says.</summary>
    /// <exception cref="OptionException">The name or an option is unknown or does not fit.</exception>
    public static Network Build(Engine engine, RunConfig config, NetworkInput input = default)
    {
        string name = OptionBinder.Named(config.Model, "model", "").Name;
        var units = OptionBinder.Bind<CommonFreezeOptions>(RunConfig.Only(config.Freeze, CommonFreezeOptions.Keys), "freeze").Units;
        var network = ModelZoo.Build(ModuleScope.Root(engine, config.Train.Seed), name, OptionsOf(config, input));
        network.UnitGranularity = units;
        return network;
    }

    /// <summary>Loads the weights that the configuration names, if it names any: all of them, or with <c>weights_partial</c> those that fit.</summary>
    /// <returns>What did not fit, where that is allowed; null where nothing was left out.</returns>
    /// <exception cref="OptionException">An option does not fit.</exception>
    /// <exception cref="WeightsFormatException">The file is missing or damaged, or does not fit.</exception>
    public static StateDictReport? LoadWeights(Network network, RunConfig config)
    {
        var options = OptionBinder.Bind<WeightsOptions>(RunConfig.Only(config.Model, WeightsKeys), "model");
        if (options.Weights is null)
        {
            return options.WeightsPartial ? throw new OptionException("option 'model.weights_partial' is true, but no weights are given") : null;
        }

        if (!options.WeightsPartial)
        {
            WeightsFile.Load(network, options.Weights);
            return null;
        }

        var report = WeightsFile.LoadPartial(network, options.Weights);
        return report.Fits ? null : report;
    }

    // The model's own options: those that are given, and what follows the input.
    internal static JsonObject OptionsOf(RunConfig config, NetworkInput input)
    {
        var (name, section) = OptionBinder.Named(config.Model, "model", "");
        var options = RunConfig.OptionsOf(section, WeightsKeys);
        var known = ModelZoo.OptionsOf(name);
        int? size = input.KeepsForm && ModelZoo.HasFormBySize(name) ? null : input.Size;
        int? classes = options.ContainsKey("num_labels") ? null : input.Classes;
        foreach (var (key, value) in new[]
        {
            ("in_channels", input.Channels), ("image_size", size), ("img_size", input.Size), ("num_classes", classes), ("vocab_size", input.Vocabulary),
        })
        {
            if (value is not null && known.Contains(key) && !options.ContainsKey(key))
            {
                options[key] = value;
            }
        }

        return options;
    }

    private sealed record WeightsOptions
    {
        public string? Weights { get; init; }

        public bool WeightsPartial { get; init; }
    }
}
