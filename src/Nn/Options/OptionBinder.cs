using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace SmartFrz.Nn.Options;

/// <summary>A wrong option: an unknown key, name or value. The message is one line and says what was meant.</summary>
public sealed class OptionException : Exception
{
    /// <summary>With a message.</summary>
    public OptionException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public OptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public OptionException()
    {
    }
}

/// <summary>Turns JSON objects into option records: keys are property names in snake case, an unknown key is an error.</summary>
public static class OptionBinder
{
    /// <summary>How options are written and read.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The record with the given values over its defaults.</summary>
    /// <param name="values">The values; null for none.</param>
    /// <param name="path">Where they stand in the configuration, for messages: <c>model</c>, <c>freeze</c>.</param>
    /// <exception cref="OptionException">A key is unknown or a value does not fit.</exception>
    public static T Bind<T>(JsonObject? values, string path)
        where T : class, new()
        => (T)Bind(typeof(T), values, path);

    /// <summary>As <see cref="Bind{T}"/> for a type known at run time.</summary>
    public static object Bind(Type type, JsonObject? values, string path)
    {
        var known = Keys(type);
        foreach (var (key, _) in values ?? [])
        {
            if (!known.Contains(key))
            {
                throw new OptionException($"unknown option '{path}.{key}'{DidYouMean(key, known)}; it has {(known.Count == 0 ? "no options" : string.Join(", ", known))}");
            }
        }

        try
        {
            return (values ?? []).Deserialize(type, Json) ?? throw new OptionException($"'{path}' is empty");
        }
        catch (JsonException e)
        {
            string key = (e.Path ?? "").TrimStart('$', '.');
            string value = values is not null && values.TryGetPropertyValue(key.Split('.', '[')[0], out var node) ? node?.ToJsonString() ?? "null" : "?";
            var expected = type.GetProperties().FirstOrDefault(p => Snake(p.Name) == key.Split('.', '[')[0])?.PropertyType;
            throw new OptionException($"option '{path}.{key}' is {value}, expected {Describe(expected)}", e);
        }
    }

    /// <summary>The keys of an option record.</summary>
    public static IReadOnlyList<string> Keys(Type type) =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).Select(p => Snake(p.Name))];

    /// <summary>", did you mean 'x'?" for the closest known word, or nothing when none is close.</summary>
    public static string DidYouMean(string word, IEnumerable<string> known)
    {
        // Two slips in a short word, three in a long one: more is another word.
        int limit = word.Length <= 5 ? 2 : 3;
        var best = known.Select(k => (Word: k, Distance: Distance(word.ToLowerInvariant(), k.ToLowerInvariant())))
            .OrderBy(k => k.Distance).ThenBy(k => k.Word, StringComparer.Ordinal).FirstOrDefault();
        return best.Word is not null && best.Distance <= limit ? $", did you mean '{best.Word}'?" : "";
    }

    /// <summary>The entry of that name among named things, or an error that lists the names.</summary>
    public static T Find<T>(string kind, string name, IReadOnlyDictionary<string, T> known) =>
        known.TryGetValue(name, out var found)
            ? found
            : throw new OptionException($"unknown {kind} '{name}'{DidYouMean(name, known.Keys)}; known: {string.Join(", ", known.Keys.Order(StringComparer.Ordinal))}");

    /// <summary>Splits a section that names a thing (<c>name</c>) and holds its options.</summary>
    /// <param name="section">The section; null for the default name and no options.</param>
    /// <param name="path">Where it stands in the configuration, for messages.</param>
    /// <param name="defaultName">The name when none is given.</param>
    /// <exception cref="OptionException">The name is not a text.</exception>
    public static (string Name, JsonObject Options) Named(JsonObject? section, string path, string defaultName)
    {
        var options = (JsonObject?)section?.DeepClone() ?? [];
        if (!options.Remove("name", out var name))
        {
            return (defaultName, options);
        }

        return name is JsonValue value && value.TryGetValue(out string? text)
            ? (text, options)
            : throw new OptionException($"option '{path}.name' is {name?.ToJsonString() ?? "null"}, expected a text");
    }

    /// <summary>Complains about an option below its least value.</summary>
    /// <exception cref="OptionException">It is below.</exception>
    public static void RequireAtLeast(int least, int value, string option)
    {
        if (value < least)
        {
            throw new OptionException($"option '{option}' is {value}, expected at least {least}");
        }
    }

    private static string Snake(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    private static string Describe(Type? type)
    {
        if (type is null)
        {
            return "another value";
        }

        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type).Select(Snake))
            : type == typeof(bool) ? "true or false"
            : type == typeof(int) || type == typeof(long) || type == typeof(ulong) ? "a whole number"
            : type == typeof(float) || type == typeof(double) ? "a number"
            : type == typeof(string) ? "a text"
            : type.IsAssignableTo(typeof(System.Collections.IEnumerable)) ? "a list"
            : "an object";
    }

    // Levenshtein distance with the exchange of two neighbours counted once.
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }

                int substitute = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(substitute, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
