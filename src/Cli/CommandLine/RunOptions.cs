using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>
/// The options that describe a run, shared by the commands that train or load a network, and how they become a configuration:
/// defaults, then <c>--config</c>, then named options, then <c>--set</c>.
/// </summary>
internal sealed class RunOptions
{
    private readonly List<(Option Option, string Section, string Key)> _mapped = [];
    private readonly Option<FileInfo?> _config = new("--config") { Description = "A JSON file (comments allowed) with the sections model, data, train, optimizer, schedule, freeze, device" };
    private readonly Option<string[]> _set = new("--set") { Description = "Sets one value, as in --set model.width=8 (repeatable)", AllowMultipleArgumentsPerToken = false };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parts">What the command has to do with; the device always.</param>
    public RunOptions(Command command, RunParts parts = RunParts.All)
    {
        if (parts.HasFlag(RunParts.Network))
        {
            Map<string>("--model", "model", "name", "The network, as in resnet20");
            Map<string>("--weights", "model", "weights", "A weights file to start from: safetensors, what torch.save wrote, or a checkpoint");
            Map<bool>("--weights-partial", "model", "weights_partial", "Takes of --weights what fits, and prints what does not");
            Map<ulong>("--seed", "train", "seed", "Seed of initial weights, order and augmentation");
        }

        if (parts.HasFlag(RunParts.Data))
        {
            Map<string>("--data", "data", "name", "The data set, as in fashion-mnist");
            Map<string>("--data-dir", "data", "dir", "Where its files lie; without it the embedded subset is used");
            Map<int>("--limit-train", "data", "limit_train", "Use only the first N training examples");
            Map<int>("--limit-test", "data", "limit_test", "Use only the first N test examples");
        }

        if (parts.HasFlag(RunParts.Batch))
        {
            Map<int>("--batch", "train", "batch", "Examples of a batch");
        }

        if (parts.HasFlag(RunParts.Optimizer))
        {
            Map<string>("--optimizer", "optimizer", "name", "sgd or adamw");
            Map<float>("--lr", "optimizer", "lr", "Learning rate");
            Map<float>("--momentum", "optimizer", "momentum", "SGD's momentum");
            Map<bool>("--nesterov", "optimizer", "nesterov", "SGD with Nesterov's look-ahead");
            Map<float>("--weight-decay", "optimizer", "weight_decay", "Weight decay");
            Map<string>("--schedule", "schedule", "name", "Schedule of the learning rate");
            Map<float>("--label-smoothing", "train", "label_smoothing", "Share of the target spread over all classes");
            Map<float>("--clip-norm", "train", "clip_norm", "Largest global norm of the gradients; 0 for none");
        }

        if (parts.HasFlag(RunParts.Training))
        {
            Map<int>("--epochs", "train", "epochs", "Epochs");
            Map<int>("--accumulate", "train", "accumulate", "Batches of a step, whose gradients are averaged");
            Map<int>("--patience", "train", "patience", "Epochs without a better test accuracy after which the run ends early; 0 for never");
            Map<string>("--policy", "freeze", "policy", "What freezes layers, as in smartfrz");
        }

        Map<string>("--device", "device", "name", "auto, cpu, cuda or cuda:I");
        Map<int>("--threads", "device", "threads", "CPU threads; 0 for all processors");
        Map<string>("--isa", "device", "isa", "auto, avx512, avx2 or vector128");
        Map<string>("--precision", "device", "precision", "fp32, tf32 or bf16");
        foreach (var (option, _, _) in _mapped)
        {
            command.Options.Add(option);
        }

        command.Options.Add(_config);
        command.Options.Add(_set);
    }

    /// <summary>The configuration of a command line.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="defaults">What the command changes about the defaults; null for nothing.</param>
    public RunConfig Read(ParseResult result, JsonObject? defaults = null) => RunConfig.Read(ReadJson(result, defaults));

    /// <summary>The configuration of a command line as JSON.</summary>
    public JsonObject ReadJson(ParseResult result, JsonObject? defaults = null)
    {
        var json = (JsonObject?)defaults?.DeepClone() ?? [];
        if (result.GetValue(_config) is { } file)
        {
            Merge(json, ReadFile(file));
        }

        foreach (var (option, section, key) in _mapped)
        {
            if (result.GetResult(option) is OptionResult { Implicit: false } given)
            {
                object? value = Value(given, option);
                if (key is "name" or "policy" && section != "device")
                {
                    RunConfig.Rename(json, section, (string)value!);
                }
                else
                {
                    Section(json, section)[key] = JsonSerializer.SerializeToNode(value);
                }
            }
        }

        // What a section names comes first: the options given beside it are that one's.
        foreach (string text in (result.GetValue(_set) ?? []).OrderBy(t => IsName(t.Split('=')[0].Split('.')) ? 0 : 1))
        {
            Set(json, text);
        }

        return json;
    }

    private static bool IsName(string[] path) => path is ["model" or "data" or "optimizer" or "schedule", "name"] or ["freeze", "policy"];

    private void Map<T>(string name, string section, string key, string description) =>
        _mapped.Add((new Option<T>(name) { Description = description }, section, key));

    private static object? Value(OptionResult result, Option option) => option switch
    {
        Option<int> o => result.GetValue(o),
        Option<float> o => result.GetValue(o) is var number && float.IsFinite(number)
            ? number
            : throw new OptionException(FormattableString.Invariant($"option '{option.Name}' is {number}, expected a number")),
        Option<ulong> o => result.GetValue(o),
        Option<bool> o => result.GetValue(o),
        Option<string> o => result.GetValue(o),
        _ => throw new InvalidOperationException($"option {option.Name} has an unexpected type"),
    };

    internal static JsonObject ReadFile(FileInfo file)
    {
        try
        {
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            return JsonNode.Parse(File.ReadAllText(file.FullName), documentOptions: options) as JsonObject
                ?? throw new OptionException($"{file}: a configuration is a JSON object");
        }
        catch (JsonException e)
        {
            throw new OptionException($"{file}: not JSON at line {e.LineNumber + 1}: {e.Message.Split(". ")[0]}", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new OptionException($"{file}: there is no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionException($"{file}: {e.Message}", e);
        }
    }

    // section.key=value; the value is JSON, or else a text.
    internal static void Set(JsonObject json, string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string[] path = equals < 0 ? [] : text[..equals].Split('.');
        if (path.Length < 2 || path.Any(p => p.Length == 0))
        {
            throw new OptionException($"--set '{text}' is not SECTION.KEY=VALUE, as in model.width=8");
        }

        var target = Section(json, path[0]);
        foreach (string segment in path[1..^1])
        {
            target = Section(target, segment);
        }

        string value = text[(equals + 1)..];
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(value);
        }
        catch (JsonException)
        {
            node = JsonValue.Create(value);
        }

        if (IsName(path) && node is JsonValue named && named.TryGetValue(out string? name))
        {
            RunConfig.Rename(json, path[0], name);
            return;
        }

        target[path[^1]] = node;
    }

    private static JsonObject Section(JsonObject json, string name)
    {
        if (json[name] is JsonObject section)
        {
            return section;
        }

        var made = new JsonObject();
        json[name] = made;
        return made;
    }

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach (var (key, value) in from)
        {
            if (value is JsonObject inner && into[key] is JsonObject outer)
            {
                Merge(outer, inner);
            }
            else
            {
                into[key] = value?.DeepClone();
            }
        }
    }
}
