using System.CommandLine;
using System.CommandLine.Parsing;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>Says what was meant by a command line that does not parse.</summary>
internal static class Suggestions
{
    /// <summary>One line for the first thing that is wrong.</summary>
    public static string For(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        string? unknown = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        if (unknown is null)
        {
            var error = parsed.Errors[0];
            return error.SymbolResult is OptionResult { Tokens: [var token] } given && Expected(given.Option) is { } expected
                ? $"option '{given.Option.Name}' is '{token.Value}', expected {expected}"
                : error.Message;
        }

        bool option = unknown.StartsWith('-');
        var known = option
            ? command.Options.Concat(parsed.RootCommandResult.Command.Options).Select(o => o.Name)
            : command.Subcommands.Select(c => c.Name);
        string where = command is RootCommand ? "" : $" of '{command.Name}'";
        return $"unknown {(option ? "option" : command.Subcommands.Count > 0 ? "command" : "argument")} '{unknown}'{where}{OptionBinder.DidYouMean(unknown, known)}; see --help";
    }

    private static string? Expected(Option option) =>
        option.ValueType == typeof(int) ? "a whole number"
        : option.ValueType == typeof(ulong) ? "a whole number from 0"
        : option.ValueType == typeof(float) ? "a number"
        : option.ValueType == typeof(bool) ? "true or false"
        : null;
}
