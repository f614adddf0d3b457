using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Cli.Tests;

/// <summary>What a test needs a process of its own for: this assembly, started as a program.</summary>
internal static class DriverHost
{
    private static int Main()
    {
        Console.WriteLine(JsonSerializer.Serialize(Train()));
        return 0;
    }

    // Two epochs of four steps, and the ledger compared with the driver's own count, launch by launch.
    private static HostReport Train()
    {
        using var device = Devices.Open("cuda");
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), "resnet8", new JsonObject { ["in_channels"] = 3, ["width"] = 2, ["image_size"] = 8 });
        using var optimizer = new AdamW(network);
        var data = new BatchLoader(new SyntheticDataset(64, 10, 3, 8, 8, 0.5, 1), new BatchLoaderOptions { BatchSize = 16 });
        // Without the guard: kernels that do not run make no loss.
        var options = new TrainerOptions { Epochs = 2, ClipNorm = 1, NanGuard = false };
        using var trainer = new Trainer(network, optimizer, new ConstantSchedule(0.01f), data, test: null, options);
        var ledger = engine.Context.Launches;
        long booked = ledger.Total.Launches, run = KernelsRun();
        var trace = new Trace(run);
        ledger.Trace = trace;
        var result = trainer.Run();
        return new HostReport(ledger.Total.Launches - booked, KernelsRun() - run, result.Steps, trace.ByKernel);
    }

    [DllImport("libcuda.so.1", EntryPoint = "standInKernelsRun")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long KernelsRun();

    // Sees each launch as the ledger books it, and asks the driver how many it has run by then.
    private sealed class Trace(long before) : System.Collections.ObjectModel.Collection<LaunchRecord>
    {
        private long _seen = before;

        public SortedDictionary<string, KernelCounts> ByKernel { get; } = new(StringComparer.Ordinal);

        protected override void InsertItem(int index, LaunchRecord item)
        {
            long now = KernelsRun();
            var (booked, run, most) = ByKernel.GetValueOrDefault(item.Kernel, new KernelCounts(0, 0, 0));
            ByKernel[item.Kernel] = new KernelCounts(booked + 1, run + now - _seen, Math.Max(most, now - _seen));
            _seen = now;
        }
    }
}

/// <summary>What a run launched.</summary>
/// <param name="Booked">By the ledger.</param>
/// <param name="Run">By the driver.</param>
/// <param name="Steps">Steps of the run.</param>
/// <param name="Kernels">Both for each kernel of the ledger.</param>
internal sealed record HostReport(long Booked, long Run, long Steps, SortedDictionary<string, KernelCounts> Kernels);

/// <summary>Launches of a kernel.</summary>
/// <param name="Booked">By the ledger.</param>
/// <param name="Run">By the driver.</param>
/// <param name="Most">By the driver for one of the ledger, at most.</param>
internal sealed record KernelCounts(long Booked, long Run, long Most);
