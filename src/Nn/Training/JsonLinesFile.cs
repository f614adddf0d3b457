using System.Text.Json;
using System.Text.Json.Serialization;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn;

/// <summary>A file with one JSON object a line, written line by line as things happen; each line reaches the file whole.</summary>
public sealed class JsonLinesFile : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Opens the file to append to it, with what an earlier run left there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keep">
    /// Which of its lines stay: those after the checkpoint that a run is resumed from must go. Lines that are no JSON objects go too.
    /// Null begins anew.
    /// </param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public JsonLinesFile(string path, Func<JsonElement, bool>? keep = null)
    {
        string[] kept = keep is not null && File.Exists(path) ? [.. File.ReadLines(path).Where(line => Stays(line, keep))] : [];
        AtomicFile.WriteAllText(path, string.Concat(kept.Select(line => line + "\n")));
        // One write a line: nothing is held back, a reader sees whole lines.
        _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <summary>How values are written: names in snake case, null left out.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Appends a line.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Append<T>(T value) => _stream.Write([.. JsonSerializer.SerializeToUtf8Bytes(value, Json), (byte)'\n']);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static bool Stays(string line, Func<JsonElement, bool> keep)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object && keep(document.RootElement);
        }
        catch (JsonException)
        {
            // Cut off when its writer was killed.
            return false;
        }
    }
}
