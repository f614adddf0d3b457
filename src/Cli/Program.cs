namespace SmartFrz.Cli;

/// <summary>The smartfrz command.</summary>
internal static class Program
{
    private static int Main() => 0;
}
