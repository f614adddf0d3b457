using SmartFrz.Freeze;

namespace SmartFrz.Cli.Tests;

public sealed class PredictorTests : Smartfrz
{
    // Of the one that comes with the library: a window for it has as many snapshots and samples.
    private static readonly WeightHistoryOptions Options = PredictorFile.Default.Options.History;

    [Fact]
    public void A_network_that_the_predictor_has_not_learned_from_is_marked()
    {
        using var folder = new TemporaryFolder();
        string[] histories = ["--histories", Histories(folder)];
        var evaluation = Run(["predictor", "eval", .. histories, "--held-out-models", "deit_tiny", "--json"]).Json;
        Assert.Equal(["deit_tiny"], evaluation.GetProperty("unseen_models").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal(["deit_tiny/toy/301", "deit_tiny/toy/302"], evaluation.GetProperty("held_out_runs").EnumerateArray().Select(m => m.GetString()));
        Assert.Contains("(unseen)", Run(["predictor", "eval", .. histories, "--held-out-models", "deit_tiny"]).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("(unseen)", Run(["predictor", "eval", .. histories, "--held-out-models", "resnet8"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_out_has_to_be_there_and_to_leave_something()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["predictor", "eval", "--histories", Histories(folder)];
        Assert.StartsWith("--held-out-seeds or --held-out-models is needed", Refused(arguments), StringComparison.Ordinal);
        Assert.StartsWith("--held-out-models: there is no run of 'bert_base', the histories are of resnet8, deit_tiny", Refused([.. arguments, "--held-out-models", "bert_base"]), StringComparison.Ordinal);
        Assert.StartsWith("held-out seeds 301,302 leave 0 examples", Refused([.. arguments, "--held-out-seeds", "301,302"]), StringComparison.Ordinal);
        Assert.StartsWith("held-out seeds 301 and networks resnet8,deit_tiny leave 0 examples", Refused([.. arguments, "--held-out-seeds", "301", "--held-out-models", "resnet8,deit_tiny"]), StringComparison.Ordinal);
    }

    // Two runs of two networks, a settled example and another of each.
    private static string Histories(TemporaryFolder folder)
    {
        var data = new HistoryDataset(Options, "by hand");
        foreach (string model in new[] { "resnet8", "deit_tiny" })
        {
            foreach (ulong seed in new ulong[] { 301, 302 })
            {
                foreach (bool settled in new[] { false, true })
                {
                    var window = new Half[Options.Window * Options.Samples];
                    Array.Fill(window, (Half)(settled ? 0.5 : 2));
                    data.Add(new HistoryRecord(model, "toy", seed, "layer", settled ? 2 : 1, settled ? 1 : 0.5, settled ? 0.9 : 0.5, settled), window);
                }
            }
        }

        data.Write(folder["histories"]);
        return folder["histories"];
    }
}
