using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli;

/// <summary>What a user should know although all goes on: lines on standard error.</summary>
internal static class Notices
{
    /// <summary>Says what of a weights file was left out, if anything was.</summary>
    public static void Print(StateDictReport? report)
    {
        if (report is not null)
        {
            Console.Error.WriteLine($"smartfrz: {report}");
        }
    }
}
