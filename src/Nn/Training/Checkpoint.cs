using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn;

/// <summary>A training run as it lies in a file: everything that it needs to go on bit by bit.</summary>
/// <remarks>
/// Format: one safetensors file. Tensors: <c>model.NAME</c> (parameters, running statistics, counters), <c>optim.NAME.STATE</c>,
/// <c>state.KEY.NAME</c> (what callbacks keep). Metadata: <c>format</c>, <c>schema</c>, <c>run</c> (JSON), <c>config</c>.
/// </remarks>
public sealed class Checkpoint
{
    internal const string ModelPrefix = "model.", OptimizerPrefix = "optim.", StatePrefix = "state.";

    private const string Format = "smartfrz-checkpoint", FormatKey = "format";
    private const int Schema = 1;

    private Checkpoint(string path, SafeTensors file, CheckpointHeader header)
    {
        Path = path;
        File = file;
        Header = header;
    }

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The network's name.</summary>
    public string Model => Header.Model;

    /// <summary>Steps finished.</summary>
    public long Step => Header.Step;

    /// <summary>Epochs finished.</summary>
    public int Epoch => Header.Epoch;

    /// <summary>What the run was told about itself (<see cref="TrainerOptions.Config"/>); empty for nothing.</summary>
    public string Config => File.Metadata.GetValueOrDefault("config", "");

    internal SafeTensors File { get; }

    internal CheckpointHeader Header { get; }

    private static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">It is missing, damaged, no checkpoint, or of a format that is not known.</exception>
    public static Checkpoint Read(string path)
    {
        SafeTensors file;
        try
        {
            file = SafeTensors.Read(path);
        }
        catch (WeightsFormatException e)
        {
            throw new CheckpointException(e.Message, e);
        }

        string format = file.Metadata.GetValueOrDefault(FormatKey, "none");
        if (!IsCheckpoint(file))
        {
            throw new CheckpointException($"{path}: a safetensors file, but no checkpoint (its format is '{format}', a checkpoint's is '{Format}')");
        }

        string schema = file.Metadata.GetValueOrDefault("schema", "none");
        if (schema != Schema.ToString(CultureInfo.InvariantCulture))
        {
            throw new CheckpointException($"{path}: a checkpoint of schema {schema}, this version reads schema {Schema}");
        }

        try
        {
            var header = JsonSerializer.Deserialize<CheckpointHeader>(file.Metadata.GetValueOrDefault("run", ""), Json);
            return new Checkpoint(path, file, header ?? throw new CheckpointException($"{path}: the description of the run is empty"));
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{path}: the description of the run is not what it should be: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Whether a file says that it is a checkpoint.</summary>
    internal static bool IsCheckpoint(SafeTensors file) => file.Metadata.GetValueOrDefault(FormatKey) == Format;

    /// <summary>The file of a run.</summary>
    internal static SafeTensors Describe(CheckpointHeader header, string config)
    {
        var file = new SafeTensors();
        file.Metadata.Add(FormatKey, Format);
        file.Metadata.Add("schema", Schema.ToString(CultureInfo.InvariantCulture));
        file.Metadata.Add("run", JsonSerializer.Serialize(header, Json));
        file.Metadata.Add("config", config);
        return file;
    }
}

/// <summary>What a checkpoint holds beside tensors.</summary>
internal sealed record CheckpointHeader
{
    public required string Model { get; init; }

    public required string Optimizer { get; init; }

    public required ulong Seed { get; init; }

    public required int StepsPerEpoch { get; init; }

    public required long Step { get; init; }

    public required int Epoch { get; init; }

    public required float LearningRate { get; init; }

    public required double TrainLoss { get; init; }

    public required double TrainAccuracy { get; init; }

    public required EvaluationResult? LastEvaluation { get; init; }

    public required EvaluationResult? Best { get; init; }

    public required IReadOnlyList<EpochRecord> History { get; init; }

    public required int FreezeVersion { get; init; }

    public required IReadOnlyList<string> Frozen { get; init; }

    /// <summary>Updates of each parameter that has state, by name.</summary>
    public required Dictionary<string, long> OptimizerSteps { get; init; }

    /// <summary>The epoch's scores that were read from the device, and those still there.</summary>
    public required Score EpochScore { get; init; }

    public required float[] DeviceScore { get; init; }

    public required StepMemory FirstStep { get; init; }

    public required StepMemory LastStep { get; init; }

    public required long PeakBytes { get; init; }

    public required double WallSeconds { get; init; }

    public required CostRecord Costs { get; init; }

    /// <summary>The small values of each part that keeps state, by its key.</summary>
    public required Dictionary<string, JsonObject> Parts { get; init; }
}
