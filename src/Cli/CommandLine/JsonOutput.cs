using System.CommandLine;
using System.Text.Json;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>The option <c>--json</c>: one JSON document on standard output.</summary>
internal static class JsonOutput
{
    /// <summary>The option.</summary>
    public static Option<bool> Option() => new("--json") { Description = "One JSON document on standard output" };

    /// <summary>Prints the document.</summary>
    public static void Print<T>(T document) => Console.WriteLine(JsonSerializer.Serialize(document, OptionBinder.Json));
}
