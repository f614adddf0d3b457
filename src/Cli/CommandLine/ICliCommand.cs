using System.CommandLine;

namespace SmartFrz.Cli;

/// <summary>A top-level command. Every implementation is found by reflection, so a new command is a new file.</summary>
internal interface ICliCommand
{
    /// <summary>Its place in the help text.</summary>
    int Order { get; }

    /// <summary>Builds the command with its options and its action.</summary>
    Command Build();
}
