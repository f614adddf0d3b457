using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Pairs;

/// <summary>The other side: a process that answers each line of JSON with one.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it.</summary>
    /// <exception cref="OptionException">It does not start, or PyTorch is not installed there.</exception>
    public Peer(string python)
    {
        var start = new ProcessStartInfo(python, [Path.Combine(AppContext.BaseDirectory, "peers", "serve.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new OptionException($"{python} does not start: {e.Message}", e);
        }

        Description = Read();
    }

    /// <summary>Its versions.</summary>
    public JsonObject Description { get; }

    /// <summary>Times a block there. A part is warmed up when it is asked for first.</summary>
    public (Block Block, long? PeakBytes) Measure(int threads, JsonObject work, string part, double seconds)
    {
        var request = new JsonObject { ["threads"] = threads, ["work"] = work.DeepClone(), ["part"] = part, ["seconds"] = seconds };
        _process.StandardInput.WriteLine(request.ToJsonString());
        var answer = Read();
        return (new Block((double)answer["wall_ms"]!, (double)answer["cpu_ms"]!), (long?)answer["peak_bytes"]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private JsonObject Read() =>
        _process.StandardOutput.ReadLine() is { } line
            ? JsonNode.Parse(line)!.AsObject()
            : throw new OptionException("the peer has ended; what it said stands above (it needs PyTorch, as in Debian's python3-torch)");
}
