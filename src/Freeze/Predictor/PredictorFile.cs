using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>A trained predictor: its sizes, its weights and where it comes from.</summary>
public sealed class PredictorFile
{
    private const string Resource = "predictor/default.safetensors", FormatKey = "smartfrz.predictor", OptionsKey = "options", ProvenanceKey = "provenance";
    private const string Format = "1";

    private readonly SafeTensors _file;
    private readonly string _name;

    private PredictorFile(SafeTensors file, string name)
    {
        _file = file;
        _name = name;
        if (!file.Metadata.TryGetValue(FormatKey, out string? format) || format != Format)
        {
            throw new WeightsFormatException($"{name}: predictor format '{format ?? "none"}', expected '{Format}': it is not a predictor file of this version");
        }

        try
        {
            Options = JsonSerializer.Deserialize<AttentionPredictorOptions>(file.Metadata[OptionsKey], OptionBinder.Json)
                ?? throw new JsonException("it has no sizes");
            Options.Check();
            Provenance = JsonNode.Parse(file.Metadata[ProvenanceKey]) as JsonObject ?? throw new JsonException("its provenance is no object");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or OptionException)
        {
            throw new WeightsFormatException($"{name}: the predictor's description cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The predictor that comes with the library.</summary>
    /// <exception cref="WeightsFormatException">The library was built without one.</exception>
    public static PredictorFile Default
    {
        get
        {
            using var stream = typeof(PredictorFile).Assembly.GetManifestResourceStream(Resource)
                ?? throw new WeightsFormatException("this build has no predictor of its own: name one with freeze.predictor");
            return new PredictorFile(SafeTensors.Read(stream, Resource), Resource);
        }
    }

    /// <summary>Its sizes.</summary>
    public AttentionPredictorOptions Options { get; }

    /// <summary>How it was made: command, seeds, data, held-out quality.</summary>
    public JsonObject Provenance { get; }

    /// <summary>What was measured on held-out runs when it was made; null where its file does not say.</summary>
    /// <exception cref="WeightsFormatException">The file says it in a form that cannot be read.</exception>
    public PredictorEvaluation? Evaluation
    {
        get
        {
            try
            {
                return Provenance["held_out"].Deserialize<PredictorEvaluation>(OptionBinder.Json);
            }
            catch (JsonException e)
            {
                throw new WeightsFormatException($"{_name}: the predictor's held-out quality cannot be read: {e.Message}", e);
            }
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="WeightsFormatException">It is missing, damaged or no predictor.</exception>
    public static PredictorFile Read(string path) => new(SafeTensors.Read(path), path);

    /// <summary>Writes a trained predictor.</summary>
    public static void Write(string path, AttentionPredictor predictor, JsonObject provenance)
    {
        var file = new SafeTensors();
        file.Metadata[FormatKey] = Format;
        file.Metadata[OptionsKey] = JsonSerializer.Serialize(predictor.Options, OptionBinder.Json);
        file.Metadata[ProvenanceKey] = provenance.ToJsonString();
        foreach (var parameter in predictor.Parameters())
        {
            file.Tensors.Add(parameter.Name, StoredTensor.Of(parameter.Value.ToArray(), parameter.Shape.ToArray()));
        }

        file.Write(path);
    }

    /// <summary>Builds the predictor in an engine.</summary>
    /// <exception cref="WeightsFormatException">A tensor is missing or misshapen.</exception>
    public AttentionPredictor Build(Engine engine)
    {
        var predictor = new AttentionPredictor(ModuleScope.Root(engine, 0), Options);
        foreach (var parameter in predictor.Parameters())
        {
            var stored = _file.Tensors.GetValueOrDefault(parameter.Name);
            if (stored is not { DType: "F32" } || !stored.Shape.SequenceEqual(parameter.Shape.ToArray()))
            {
                predictor.Dispose();
                throw new WeightsFormatException($"{_name}: predictor tensor '{parameter.Name}' is {stored?.ToString() ?? "missing"}, expected F32 {parameter.Shape}");
            }

            parameter.Value.CopyFrom(stored.ToFloats());
        }

        return predictor;
    }
}
