using SmartFrz.Freeze;

namespace SmartFrz.Cli.Tests;

public sealed class StudyTests : Smartfrz
{
    public static TheoryData<string> Names => [.. Study.All().Keys];

    [Fact]
    public void Studies_are_listed_with_their_questions()
    {
        var json = Run("study", "list", "--json").Json;

        var names = json.GetProperty("studies").EnumerateArray().Select(s => s.GetProperty("name").GetString()).ToList();
        Assert.Equal(Study.All().Keys, names!);
        var acceptance = json.GetProperty("studies").EnumerateArray().Single(s => s.GetProperty("name").GetString() == "acceptance");
        Assert.Equal(["none", "smartfrz", "linear", "random"], acceptance.GetProperty("policies").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal([1, 2, 3, 4, 5], acceptance.GetProperty("seeds").EnumerateArray().Select(s => s.GetInt32()));
        Assert.Contains("│ acceptance │ 20", Run("study", "list").Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_part_of_a_study_is_a_configuration_that_runs(string name)
    {
        var study = Study.All()[name];

        Assert.NotEmpty(study.Variants);
        Assert.Equal(study.Seeds.Count, study.Seeds.Distinct().Count());
        Assert.Equal(study.Policies.Count, study.Policies.Distinct().Count());
        Assert.All(study.Policies, p => Assert.Contains(p, FreezePolicies.All().Keys));
        Assert.All(study.Variants.Keys, variant =>
        {
            var config = RunConfig.Read(study.ConfigOf(variant));
            using var run = new FreezeRun(config with { Data = new() { ["name"] = "synthetic", ["size"] = 8 }, Device = new DeviceConfig { Name = "cpu", Threads = 1 } });
            Assert.NotNull(run.Network);
        });
        // No two parts are the same, or one would say nothing.
        Assert.Equal(study.Variants.Count, study.Variants.Keys.Select(v => study.ConfigOf(v).ToJsonString()).Distinct().Count());
    }

    [Fact]
    public void A_study_runs_part_by_part_and_leaves_its_files()
    {
        using var folder = new TemporaryFolder();
        string[] options = [.. Small.Options, "--epochs", "1", "--batch", "32", "--policies", "none,smartfrz", "--seeds", "7", "--quiet", "--out", folder["out"]];

        var json = Run(["study", "votes", .. options, "--json"]).Json;

        Assert.Equal("votes", json.GetProperty("study").GetString());
        var variants = json.GetProperty("variants").EnumerateArray().ToList();
        Assert.Equal(["1", "2"], variants.Select(v => v.GetProperty("name").GetString()));
        Assert.All(variants, v =>
        {
            Assert.Equal(["none", "smartfrz"], v.GetProperty("table").EnumerateArray().Select(r => r.GetProperty("policy").GetString()));
            Assert.Equal([7, 7], v.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("seed").GetInt32()));
        });
        Assert.True(File.Exists(folder["out/study.json"]));
        Assert.All(variants.Select(v => v.GetProperty("name").GetString()), v => Assert.True(File.Exists(folder[$"out/{v}/summary.json"]) && File.Exists(folder[$"out/{v}/report.html"])));
        Assert.Contains("\"votes\": 2", File.ReadAllText(folder["out/2/smartfrz-7/config.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_study_of_one_part_is_a_comparison()
    {
        using var folder = new TemporaryFolder();

        var outcome = Run(["study", "acceptance", .. Small.Options, "--epochs", "1", "--batch", "32", "--policies", "none,linear", "--seeds", "1", "--quiet", "--out", folder["out"]]);

        Assert.Equal(0, outcome.Code);
        Assert.Contains("│ linear", outcome.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["out/summary.json"]));
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        Assert.StartsWith("unknown command 'acceptence' of 'study', did you mean 'acceptance'?", Refused("study", "acceptence"), StringComparison.Ordinal);
        Assert.StartsWith("unknown policy 'smartfz', did you mean 'smartfrz'?", Refused(["study", "acceptance", .. Small.Options, "--policies", "none,smartfz"]), StringComparison.Ordinal);
    }
}
