using SmartFrz.Freeze;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli;

/// <summary>What a user should know although all goes on: lines on standard error.</summary>
internal static class Notices
{
    /// <summary>Says that a network has random weights, where none are given.</summary>
    public static void PrintFresh(RunConfig config)
    {
        if (!config.Model.ContainsKey("weights"))
        {
            Console.Error.WriteLine(FormattableString.Invariant($"smartfrz: without --weights the network has the random weights of seed {config.Train.Seed}"));
        }
    }

    /// <summary>Says what of a weights file was left out, if anything was.</summary>
    public static void Print(StateDictReport? report)
    {
        if (report is not null)
        {
            Console.Error.WriteLine($"smartfrz: {report}");
        }
    }

    /// <summary>Says what was passed over when data were opened, if anything was.</summary>
    public static void Print(DataSplits data)
    {
        foreach (string note in data.Notes)
        {
            Console.Error.WriteLine($"smartfrz: {note}");
        }
    }
}
