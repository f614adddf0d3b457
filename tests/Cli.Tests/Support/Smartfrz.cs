using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Spectre.Console;

namespace SmartFrz.Cli.Tests;

/// <summary>What a command line left: its exit code and what it wrote.</summary>
internal sealed record Outcome(int Code, string Output, string Error)
{
    /// <summary>The one line of an error, without the program's name.</summary>
    public string Message
    {
        get
        {
            Assert.StartsWith("smartfrz: ", Error, StringComparison.Ordinal);
            string line = Error.TrimEnd('\n', '\r');
            Assert.DoesNotContain('\n', line);
            return line["smartfrz: ".Length..];
        }
    }

    /// <summary>Standard output as one JSON document.</summary>
    public JsonElement Json
    {
        get
        {
            Assert.True(Code == 0, $"exit code {Code}: {Error}");
            return JsonDocument.Parse(Output).RootElement;
        }
    }
}

/// <summary>Runs command lines. The console belongs to the whole process: tests that use it are one collection.</summary>
[Collection(nameof(Smartfrz))]
public abstract class Smartfrz
{
    /// <summary>Runs a command line in this process.</summary>
    internal static Outcome Run(params string[] arguments)
    {
        var (output, error, ansi) = (Console.Out, Console.Error, AnsiConsole.Console);
        using var newOutput = new StringWriter();
        using var newError = new StringWriter();
        try
        {
            Console.SetOut(newOutput);
            Console.SetError(newError);
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(newOutput) });
            int code = CommandLineRunner.RunAsync(arguments).GetAwaiter().GetResult();
            return new Outcome(code, newOutput.ToString(), newError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            AnsiConsole.Console = ansi;
        }
    }

    /// <summary>Runs a command line as a process of its own.</summary>
    internal static Task<Outcome> RunProcess(params string[] arguments) => RunProcess(_ => Task.CompletedTask, arguments);

    /// <summary>Runs a command line as a process of its own, while something is done to it.</summary>
    internal static Task<Outcome> RunProcess(Func<Process, Task> meanwhile, params string[] arguments) =>
        RunAssembly(typeof(CommandLineRunner).Assembly, new Dictionary<string, string>(), meanwhile, arguments);

    /// <summary>Runs an assembly as a process of its own, with variables of its own.</summary>
    internal static async Task<Outcome> RunAssembly(
        Assembly assembly, IReadOnlyDictionary<string, string> variables, Func<Process, Task> meanwhile, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await meanwhile(process);
        await process.WaitForExitAsync();
        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a command line that is wrong use, and answers its message.</summary>
    internal static string Refused(params string[] arguments)
    {
        var outcome = Run(arguments);
        Assert.True(outcome.Code == 2, $"exit code {outcome.Code}: {outcome.Error}{outcome.Output}");
        Assert.Empty(outcome.Output);
        return outcome.Message;
    }
}

/// <summary>The tests that use the console.</summary>
[CollectionDefinition(nameof(Smartfrz))]
public sealed class ConsoleTests;
