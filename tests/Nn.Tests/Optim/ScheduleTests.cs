using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class ScheduleTests
{
    [Fact]
    public void Constant_stays()
    {
        var schedule = new ConstantSchedule(0.3f);

        Assert.Equal([0.3f, 0.3f, 0.3f], Rates(schedule, 100, 0, 50, 99));
    }

    [Fact]
    public void Cosine_goes_from_the_first_rate_to_the_last()
    {
        // PyTorch's CosineAnnealingLR(T_max=8, eta_min=0.02) from 0.1, in closed form.
        float[] expected = [.. Enumerable.Range(0, 5).Select(i => 2 * i).Select(t => (float)(0.02 + (0.08 * (1 + Math.Cos(Math.PI * t / 8)) / 2)))];

        Close(expected, Rates(new CosineSchedule(0.1f, 0.02f), 8, 0, 2, 4, 6, 8));
        Assert.Equal(0.1f, new CosineSchedule(0.1f).LearningRate(0, 8));
        Close([0.05f], Rates(new CosineSchedule(0.1f), 8, 4));
    }

    [Fact]
    public void Linear_is_a_straight_line() =>
        Close([0.1f, 0.08f, 0.06f, 0.02f], Rates(new LinearSchedule(0.1f, 0.02f), 8, 0, 2, 4, 8));

    [Fact]
    public void Milestones_are_shares_of_the_run() =>
        Close([1f, 1f, 0.1f, 0.1f, 0.01f, 0.01f], Rates(new MilestoneSchedule(1f, [0.5, 0.75]), 64, 0, 31, 32, 47, 48, 63));

    [Fact]
    public void Step_drops_again_and_again() =>
        Close([1f, 1f, 0.5f, 0.5f, 0.25f], Rates(new StepSchedule(1f, 10, 0.5), 100, 0, 9, 10, 19, 20));

    [Fact]
    public void Warm_up_rises_to_the_first_rate_and_leaves_the_rest_to_the_other()
    {
        var schedule = new WarmupSchedule(new LinearSchedule(1f), 4);

        Close([0.25f, 0.5f, 0.75f, 1f, 1f, 0.5f], Rates(schedule, 12, 0, 1, 2, 3, 4, 8));
        Close([0.5f, 1f], Rates(new WarmupSchedule(new CosineSchedule(1f), 2), 2, 0, 1));
    }

    [Fact]
    public void Schedules_are_found_by_name_with_their_options()
    {
        Assert.Equal(["constant", "cosine", "linear", "step"], Schedules.All().Keys.Order(StringComparer.Ordinal));
        Assert.IsType<CosineSchedule>(Schedules.Read(null).Create(0.1f));
        Assert.IsType<MilestoneSchedule>(Schedules.Read(Json("""{"name":"step"}""")).Create(0.1f));
        Close([0.1f, 0.02f], Rates(Schedules.Read(Json("""{"name":"linear","final_lr":0.02}""")).Create(0.1f), 10, 0, 10));
        Close([0.05f, 0.1f, 0.1f, 0.05f], Rates(Schedules.Read(Json("""{"name":"step","step_size":2,"gamma":0.5,"warmup_steps":2}""")).Create(0.1f), 10, 0, 1, 2, 4));
    }

    [Theory]
    [InlineData("""{"name":"cosin"}""", "unknown schedule 'cosin', did you mean 'cosine'?; known: constant, cosine, linear, step")]
    [InlineData("""{"name":"cosine","finallr":0}""", "unknown option 'schedule.finallr', did you mean 'final_lr'?")]
    [InlineData("""{"name":"step","milestones":[0.5,30]}""", "option 'schedule.milestones' holds 30, expected shares of the run from 0 to 1")]
    [InlineData("""{"name":"step","step_size":-1}""", "option 'schedule.step_size' is -1, expected at least 0")]
    [InlineData("""{"warmup_steps":-2}""", "option 'schedule.warmup_steps' is -2, expected at least 0")]
    [InlineData("""{"name":3}""", "option 'schedule.name' is 3, expected a text")]
    public void Wrong_options_say_what_was_meant(string section, string message) =>
        Assert.StartsWith(message, Assert.Throws<OptionException>(() => Schedules.Read(Json(section)).Create(0.1f)).Message, StringComparison.Ordinal);

    [Fact]
    public void Optimizers_are_found_by_name_with_their_options()
    {
        Assert.Equal(["adamw", "sgd"], Optimizers.All().Keys.Order(StringComparer.Ordinal));
        using var test = new TestEngine();
        using var layer = new Linear(ModuleScope.Root(test.Engine, 1), 3, 2);
        using var sgd = Optimizers.Read(null).Create(layer);
        using var plain = Optimizers.Read(Json("""{"name":"sgd","momentum":0,"weight_decay":0.25}""")).Create(layer);
        var choice = Optimizers.Read(Json("""{"name":"adamw"}"""));
        using var adamw = choice.Create(layer);

        Assert.IsType<Sgd>(sgd);
        Assert.Empty(plain.StateNames);
        Assert.Equal(0.25f, plain.Groups[0].WeightDecay);
        Assert.IsType<AdamW>(adamw);
        Assert.Equal((1e-3f, 0.01f), (choice.Options.Lr, choice.Options.WeightDecay));
    }

    [Theory]
    [InlineData("""{"name":"adam"}""", "unknown optimizer 'adam', did you mean 'adamw'?; known: adamw, sgd")]
    [InlineData("""{"name":"adamw","momentum":0.9}""", "unknown option 'optimizer.momentum'")]
    [InlineData("""{"name":"adamw","betas":[0.9]}""", "option 'optimizer.betas' has 1 numbers, expected 2")]
    [InlineData("""{"lr":-1}""", "option 'optimizer.lr' is -1, expected a number of at least 0")]
    [InlineData("""{"weight_decay":-0.5}""", "option 'optimizer.weight_decay' is -0.5, expected a number of at least 0")]
    public void Wrong_optimizers_say_what_was_meant(string section, string message)
    {
        using var test = new TestEngine();
        using var layer = new Linear(ModuleScope.Root(test.Engine, 1), 3, 2);

        Assert.StartsWith(message, Assert.Throws<OptionException>(() => Optimizers.Read(Json(section)).Create(layer)).Message, StringComparison.Ordinal);
    }

    private static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    private static float[] Rates(ISchedule schedule, long total, params long[] steps) => [.. steps.Select(s => schedule.LearningRate(s, total))];

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-7);
        }
    }
}
