using System.Globalization;

namespace SmartFrz.Cli.Tests;

/// <summary>One call that the stand-in driver has seen: what it was, and its arguments by name.</summary>
internal sealed record DriverCall(string What, IReadOnlyDictionary<string, string> Arguments)
{
    public string this[string argument] => Arguments[argument];

    /// <summary>An argument that is a number.</summary>
    public long Number(string argument) => long.Parse(this[argument], CultureInfo.InvariantCulture);

    public override string ToString() => $"{What} {string.Join(' ', Arguments.Select(a => $"{a.Key}={a.Value}"))}";
}

/// <summary>What the stand-in driver has written down.</summary>
internal sealed record DriverLog(IReadOnlyList<DriverCall> Calls)
{
    /// <summary>Kernels that were run, those of replayed graphs included.</summary>
    public long Kernels => Of("launch").Count() + Of("replay").Sum(r => r.Number("kernels"));

    /// <summary>The calls of a kind, in their order.</summary>
    public IEnumerable<DriverCall> Of(string what) => Calls.Where(c => c.What == what);

    /// <summary>Reads a log; an absent one is empty: nobody asked the driver anything.</summary>
    public static DriverLog Read(string path) => new(File.Exists(path) ? [.. File.ReadLines(path).Select(Parse)] : []);

    private static DriverCall Parse(string line)
    {
        string[] words = line.Split(' ');
        return new DriverCall(words[0], words.Skip(1).Select(w => w.Split('=', 2)).Where(w => w.Length == 2).ToDictionary(w => w[0], w => w[1]));
    }
}
