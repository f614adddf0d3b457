using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Cli;

/// <summary>How failures leave the process: one line on standard error and an exit code.</summary>
internal static class Failure
{
    /// <summary>Done.</summary>
    public const int None = 0;

    /// <summary>Failed while running.</summary>
    public const int WhileRunning = 1;

    /// <summary>Wrong use, configuration or data.</summary>
    public const int WrongUse = 2;

    /// <summary>Interrupted; a checkpoint was written first.</summary>
    public const int Interrupted = 130;

    /// <summary>Prints a message and passes the exit code through.</summary>
    public static int Report(int code, string message)
    {
        Console.Error.WriteLine("smartfrz: " + message.ReplaceLineEndings(" "));
        return code;
    }

    /// <summary>Prints an exception's message with the exit code of its kind.</summary>
    public static int Report(Exception e)
    {
        var cause = e is AggregateException { InnerException: { } inner } ? inner : e;
        return Report(cause is OperationCanceledException ? Interrupted : IsWrongUse(cause) ? WrongUse : WhileRunning, cause.Message);
    }

    // What a user can put right by another command line, file or directory.
    private static bool IsWrongUse(Exception e) => e is OptionException or ShapeException or DataFormatException or WeightsFormatException or DeviceException or CheckpointException;
}
