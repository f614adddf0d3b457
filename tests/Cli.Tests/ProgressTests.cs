using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using Spectre.Console;

namespace SmartFrz.Cli.Tests;

/// <summary>How progress is shown.</summary>
public sealed class ProgressTests : Smartfrz
{
    [Fact]
    public void Lines_tell_of_epochs_and_of_freezing()
    {
        string[] lines = Lines(TimeSpan.FromHours(1), "run");

        Assert.Equal(3, lines.Length);
        Assert.Equal("run: froze stem at step 3 (epoch 0.75): schedule stem@3", lines[0]);
        Assert.Matches("^run: epoch 1/2  loss [0-9.]+  train accuracy [0-9.]+ %  test accuracy [0-9.]+ %  frozen 1/5  [0-9.]+ s, [0-9]+ s left$", lines[1]);
        Assert.StartsWith("run: epoch 2/2 ", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_come_in_between_when_an_epoch_takes_long()
    {
        string[] lines = Lines(TimeSpan.Zero, "");

        // A report after each of two times four steps; that at an epoch's end is the epoch's own line.
        Assert.Equal(["epoch 0.25/2", "epoch 0.50/2", "epoch 0.75/2", "epoch 1/2", "epoch 1.25/2", "epoch 1.50/2", "epoch 1.75/2", "epoch 2/2"],
            lines.Where(l => l.StartsWith("epoch", StringComparison.Ordinal)).Select(l => string.Join(' ', l.Split(' ').Take(2))));
        Assert.Matches("^epoch 0.25/2  loss [0-9.]+  train accuracy [0-9.]+ %  frozen 0/5  [0-9]+ images/s, [0-9]+ s left$", lines[0]);
    }

    [Fact]
    public void The_picture_has_a_row_for_each_unit_with_its_state()
    {
        using var run = Prepare();
        var view = new RunView(run, "first");
        string before = Picture(view, height: 40);
        run.Run();
        string[] after = [.. Picture(view, height: 40).Split('\n').Select(l => l.TrimEnd())];

        Assert.Contains("first: resnet8 on synthetic, schedule", before, StringComparison.Ordinal);
        Assert.Contains("epoch 0.00 of 2, step 0 of 8", before, StringComparison.Ordinal);
        Assert.Contains("no loss yet", before, StringComparison.Ordinal);
        Assert.DoesNotContain("frozen", before, StringComparison.Ordinal);
        Assert.Equal(["########################################  epoch 2.00 of 2, step 8 of 8"], after.Where(l => l.Contains("epoch 2.00", StringComparison.Ordinal)));
        Assert.Single(after, l => l.Contains("frozen 1 of 5", StringComparison.Ordinal) && l.Contains("test accuracy", StringComparison.Ordinal));
        Assert.Equal(
            ["stem frozen 0.75 schedule stem@3", "layer1.0 trained", "layer2.0 trained", "layer3.0 trained", "head head"],
            after.SkipWhile(l => !l.Contains("since epoch", StringComparison.Ordinal)).Skip(2).Where(l => l.Length > 0).Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
    }

    [Fact]
    public void Units_that_do_not_fit_stand_together_while_they_have_one_state()
    {
        using var run = Prepare();
        run.Run();

        string picture = Picture(new RunView(run, ""), height: 10);

        Assert.Contains("layer1.0 to layer3.0 (3)   trained", picture, StringComparison.Ordinal);
        Assert.Contains("stem", picture, StringComparison.Ordinal);
        Assert.Contains("head", picture, StringComparison.Ordinal);
        Assert.DoesNotContain("layer2.0", picture, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_terminal_the_picture_is_drawn_and_the_cursor_comes_back_even_after_a_failure()
    {
        using var output = new StringWriter();
        var progress = new LiveProgress(Terminal(output));
        using var run = Prepare();
        progress.Watch(run, "");

        var result = progress.While(() => run.Run().Result);

        Assert.Equal(8, result.Steps);
        string last = output.ToString().Split("resnet8 on synthetic")[^1];
        Assert.Contains("step 8 of 8", last, StringComparison.Ordinal);
        Assert.Contains("\u001b[?25h", last, StringComparison.Ordinal);

        output.GetStringBuilder().Clear();
        Assert.Throws<InvalidOperationException>(() => progress.While<int>(() => throw new InvalidOperationException("failed")));
        Assert.Contains("\u001b[?25l", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\u001b[?25h", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_there_is_no_terminal_there_are_no_control_characters_and_quiet_is_quiet()
    {
        using var folder = new TemporaryFolder();

        var plain = Run([.. Small.Train, "--policy", "none", "--json", "--out", folder["plain"]]);
        var quiet = Run([.. Small.Train, "--policy", "none", "--json", "--quiet", "--out", folder["quiet"]]);

        Assert.DoesNotContain(plain.Error, c => char.IsControl(c) && c is not ('\n' or '\r'));
        Assert.Equal(2, plain.Error.TrimEnd().Split('\n').Length);
        Assert.Empty(quiet.Error);
        Assert.Equal(8, quiet.Json.GetProperty("steps").GetInt32());
    }

    private static string[] Lines(TimeSpan interval, string name)
    {
        using var output = new StringWriter();
        using var run = Prepare();
        var progress = new LineProgress(output, interval);
        progress.Watch(run, name);
        progress.While(() => run.Run());
        return output.ToString().TrimEnd().Split(Environment.NewLine);
    }

    private static string Picture(RunView view, int height)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 120;
        console.Write(view.Render(height, TimeSpan.Zero));
        return output.ToString();
    }

    private static IAnsiConsole Terminal(TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, Out = new AnsiConsoleOutput(output) });
        (console.Profile.Width, console.Profile.Height) = (120, 40);
        return console;
    }

    private static FreezeRun Prepare() => new(RunConfig.Read(new JsonObject
    {
        ["model"] = new JsonObject { ["name"] = "resnet8", ["width"] = 2 },
        ["data"] = new JsonObject { ["name"] = "synthetic", ["size"] = 8, ["train"] = 32, ["test"] = 8 },
        ["train"] = new JsonObject { ["epochs"] = 2, ["batch"] = 8, ["log_interval"] = 1 },
        ["device"] = new JsonObject { ["name"] = "cpu", ["threads"] = 1 },
        ["freeze"] = new JsonObject { ["policy"] = "schedule", ["schedule"] = new JsonArray("stem@3") },
    }));
}
