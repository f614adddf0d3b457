using System.CommandLine;
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
            return parsed.Errors[0].Message;
        }

        bool option = unknown.StartsWith('-');
        var known = option
            ? command.Options.Concat(parsed.RootCommandResult.Command.Options).Select(o => o.Name)
            : command.Subcommands.Select(c => c.Name);
        string where = command is RootCommand ? "" : $" of '{command.Name}'";
        return $"unknown {(option ? "option" : command.Subcommands.Count > 0 ? "command" : "argument")} '{unknown}'{where}{OptionBinder.DidYouMean(unknown, known)}; see --help";
    }
}
