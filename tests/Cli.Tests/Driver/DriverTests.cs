using System.Text.Json;

namespace SmartFrz.Cli.Tests;

/// <summary>The way to a GPU on a machine without one: everything but the kernels, against a driver that writes down what it is asked.</summary>
public sealed class DriverTests(DriverTests.Fixture fixture) : IClassFixture<DriverTests.Fixture>
{
    private static readonly string[] Run =
    [
        "device.name=cuda", "model.name=resnet8", "model.width=2", "data.name=synthetic", "data.size=8", "data.train=64", "data.test=16",
        "train.batch=16", "train.epochs=2", "freeze.policy=none",
    ];

    // These work in two passes, the second over what the groups of the first have summed.
    private static readonly string[] TwoPasses = ["conv2d.backward_weight", "sum", "layer_norm.parameter_grad"];

    [DriverFact]
    public async Task A_gpu_is_found_under_the_driver_s_own_name_alone()
    {
        var (outcome, log) = await fixture.Driver.Smartfrz("devices", "--json");
        var gpu = Assert.Single(outcome.Json.GetProperty("devices").EnumerateArray(), d => d.GetProperty("id").GetString() == "cuda:0");
        Assert.Equal("Stand-in H100 0", gpu.GetProperty("name").GetString());
        Assert.Contains("132 multiprocessors, 80.0 GiB, SM_90, driver 13.0", gpu.GetProperty("details").GetString(), StringComparison.Ordinal);
        Assert.Empty(log.Of("context"));
    }

    [DriverFact]
    public async Task A_gpu_that_is_not_there_is_refused_with_what_is()
    {
        var (outcome, _) = await fixture.Driver.Smartfrz("doctor", "--device", "cuda:3");
        Assert.Equal(2, outcome.Code);
        Assert.Equal("device cuda:3 cannot be used: GPU 3 was asked for, the NVIDIA driver reports 1, numbered from 0", outcome.Message);
    }

    [DriverFact]
    public async Task The_driver_launches_what_the_ledger_books()
    {
        var (outcome, log) = await fixture.Driver.Host();
        var report = outcome.Json.Deserialize<HostReport>()!;
        Assert.Empty(log.Of("refused"));
        Assert.Equal(8, report.Steps);
        Assert.Equal(report.Run, report.Kernels.Values.Sum(k => k.Run));
        Assert.Equal(report.Booked, report.Kernels.Values.Sum(k => k.Booked));
        Assert.All(report.Kernels, k => Assert.True(
            TwoPasses.Contains(k.Key) ? k.Value.Most is 1 or 2 : k.Value.Run == k.Value.Booked, $"{k.Key}: {k.Value}"));
        // Before the run the weights were filled in.
        Assert.True(log.Kernels >= report.Run, $"the log has {log.Kernels} launches, the driver counts {report.Run}");
    }

    [DriverFact]
    public async Task A_device_that_computes_nothing_does_not_train()
    {
        using var folder = new TemporaryFolder();
        var (outcome, _) = await fixture.Driver.Smartfrz(["train", "--quiet", "--out", folder["run"], .. Run.SelectMany(r => new[] { "--set", r })]);
        Assert.Equal(1, outcome.Code);
        Assert.Equal("steps 1 to 4 counted no example: Stand-in H100 0 does not run its kernels", outcome.Message);
    }

    [DriverFact]
    public async Task Every_launch_keeps_to_the_limits_and_to_what_its_module_declares()
    {
        var (outcome, log) = await fixture.Driver.Smartfrz("doctor", "--device", "cuda");
        // No kernel runs, so none is right; but every one was loaded and launched, and none refused.
        Assert.Equal(1, outcome.Code);
        Assert.Empty(log.Of("refused"));
        Assert.True(log.Of("module").Count() > 60, $"{log.Of("module").Count()} modules were loaded");
        Assert.All(log.Of("module"), m => Assert.True(m.Number("parameters") > 0 && m.Number("group") == 256, m.ToString()));
    }

    /// <summary>The driver.</summary>
    public sealed class Fixture : IDisposable
    {
        internal StandInDriver Driver { get; } = new();

        public void Dispose() => Driver.Dispose();
    }
}
