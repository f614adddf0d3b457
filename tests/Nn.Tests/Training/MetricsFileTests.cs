using System.Text.Json;

namespace SmartFrz.Nn.Tests.Training;

public sealed class MetricsFileTests
{
    [Fact]
    public void A_line_for_each_report_and_each_epoch()
    {
        using var scratch = new Scratch();
        var (result, lines) = Train(scratch["metrics.jsonl"]);
        Assert.Equal(
            ["steps 3", "steps 5", "epoch 1", "steps 8", "steps 10", "epoch 2"],
            lines.Select(l => l.GetProperty("kind").GetString() + " " + l.GetProperty(l.TryGetProperty("loss", out _) ? "step" : "epoch").GetInt64()));
        Assert.Equal(result.History[1].TrainLoss, lines[^1].GetProperty("train_loss").GetDouble());
        Assert.Equal(result.Last!.Accuracy, lines[^1].GetProperty("test_accuracy").GetDouble());
        Assert.Equal(1.0, lines[1].GetProperty("epoch").GetDouble());
        Assert.True(lines[0].GetProperty("examples_per_second").GetDouble() > 0);
    }

    [Theory]
    [InlineData(4)] // the lines of step 5 and epoch 1 are written twice
    [InlineData(5)] // killed between the last step and the evaluation
    [InlineData(7)]
    public void A_resumed_run_has_each_line_once(int stopAfter)
    {
        using var scratch = new Scratch();
        using var checkpoints = new Scratch();
        var (_, whole) = Train(scratch["whole.jsonl"]);
        Train(scratch["metrics.jsonl"], checkpoints.Root, stopAfter: stopAfter);
        string checkpoint = checkpoints["last.safetensors"];
        // As if it had gone on after the checkpoint and was killed while it wrote a line.
        File.AppendAllText(scratch["metrics.jsonl"], "{\"kind\":\"steps\",\"step\":9}\n{\"kind\":\"epoch\",\"epoch\":2}\n{\"kind\":\"steps\",\"ste");
        var (_, resumed) = Train(scratch["metrics.jsonl"], resume: checkpoint);
        Assert.Equal(whole.Select(Comparable), resumed.Select(Comparable));
    }

    [Fact]
    public void A_fresh_run_begins_a_fresh_file()
    {
        using var scratch = new Scratch();
        Train(scratch["metrics.jsonl"]);
        var (_, lines) = Train(scratch["metrics.jsonl"]);
        Assert.Equal(6, lines.Count);
    }

    [Fact]
    public void A_place_that_takes_no_file_is_told_before_the_first_step()
    {
        using var scratch = new Scratch();
        var e = Assert.Throws<CheckpointException>(() => Train(scratch["nowhere/metrics.jsonl"]));
        Assert.Contains("metrics.jsonl: cannot be written", e.Message, StringComparison.Ordinal);
    }

    private static (TrainingResult Result, List<JsonElement> Lines) Train(string path, string? checkpoints = null, int stopAfter = 0, string? resume = null)
    {
        using var run = new TinyRun(new TrainerOptions { Epochs = 2, LogInterval = 3, CheckpointDirectory = checkpoints });
        using var metrics = new MetricsFile(path);
        using var stop = new CancellationTokenSource();
        run.Trainer.Add(metrics);
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step == stopAfter)
                {
                    stop.Cancel();
                }
            },
        });
        if (resume is not null)
        {
            run.Trainer.Resume(resume);
        }

        var result = run.Trainer.Run(stop.Token);
        return (result, [.. File.ReadLines(path).Select(l => JsonDocument.Parse(l).RootElement)]);
    }

    // Without what the clock says.
    private static string Comparable(JsonElement line) => string.Join(
        ' ', line.EnumerateObject().Where(p => p.Name is not ("examples_per_second" or "train_seconds")).Select(p => p.ToString()));
}
