using System.Text.Json.Nodes;

namespace SmartFrz.Nn.Tests.Training;

public sealed class ResumeTests
{
    // What the disturbed run must repeat: all state, every report and every epoch, and what the callback with state has seen.
    private sealed record Outcome(SortedDictionary<string, float[]> State, List<string> Log, TrainingResult Result, float[] Trace);

    [Theory]
    [InlineData(5, false)] // after the last step of an epoch, before its evaluation
    [InlineData(7, false)] // within an epoch, between two reports
    [InlineData(8, false)] // within an epoch, in the middle of a reporting interval
    [InlineData(1, true)]
    [InlineData(9, true)] // after freezing
    [InlineData(10, true)]
    [InlineData(-1, false)] // after an epoch's end
    [InlineData(-2, true)]
    public void A_resumed_run_is_bit_by_bit_the_undisturbed_one(int stopAfter, bool freeze)
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 3, LogInterval = 3 };
        var whole = Play(options, freeze);
        var first = Play(options with { CheckpointDirectory = scratch.Root }, freeze, stopAfter);
        Assert.True(first.Result.Interrupted);
        Assert.Equal(stopAfter > 0 ? stopAfter : -5 * stopAfter, first.Result.Steps);
        var second = Play(options with { CheckpointDirectory = scratch.Root }, freeze, resume: scratch["last.safetensors"]);
        Assert.False(second.Result.Interrupted);
        TinyRun.AssertSame(whole.State, second.State);
        Assert.Equal(whole.Log, [.. first.Log, .. second.Log]);
        Assert.Equal(whole.Trace, second.Trace);
        AssertSame(whole.Result, second.Result);
    }

    [Fact]
    public void Checkpoints_within_an_epoch_change_nothing_and_any_of_them_will_do()
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 3, LogInterval = 4 };
        var whole = Play(options, freeze: true);
        string kept = scratch["kept.safetensors"];
        var saving = Play(
            options with { CheckpointDirectory = scratch.Root, CheckpointInterval = 3 },
            freeze: true,
            also: c =>
            {
                // When the tenth step has ended, the file is still that of the ninth.
                if (c.Step == 10)
                {
                    File.Copy(scratch["last.safetensors"], kept, overwrite: true);
                }
            });
        TinyRun.AssertSame(whole.State, saving.State);
        Assert.Equal(whole.Log, saving.Log);
        Assert.Equal((9, 1), (Checkpoint.Read(kept).Step, Checkpoint.Read(kept).Epoch));
        var resumed = Play(options, freeze: true, resume: kept);
        TinyRun.AssertSame(whole.State, resumed.State);
        Assert.Equal(whole.Log.TakeLast(resumed.Log.Count), resumed.Log);
        AssertSame(whole.Result, resumed.Result);
    }

    [Fact]
    public void An_interruption_during_the_evaluation_repeats_the_evaluation_alone()
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 2, LogInterval = 2 };
        var whole = Play(options, freeze: false);
        var first = Play(options with { CheckpointDirectory = scratch.Root }, freeze: false, stopAfter: 10);
        Assert.True(first.Result.Interrupted);
        Assert.Equal((10, 1), (first.Result.Steps, first.Result.Epochs));
        var second = Play(options, freeze: false, resume: scratch["last.safetensors"]);
        Assert.Equal(whole.Log[^1..], second.Log);
        TinyRun.AssertSame(whole.State, second.State);
        AssertSame(whole.Result, second.Result);
    }

    [Fact]
    public void A_finished_run_resumes_to_its_end()
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 2, CheckpointDirectory = scratch.Root };
        var whole = Play(options, freeze: false);
        var again = Play(options, freeze: false, resume: scratch["last.safetensors"]);
        Assert.Empty(again.Log);
        AssertSame(whole.Result, again.Result);
        TinyRun.AssertSame(whole.State, again.State);
    }

    [Fact]
    public void A_thawed_unit_goes_on_with_the_momentum_it_was_frozen_with()
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 3, CheckpointDirectory = scratch.Root };
        Callback Policy() => new()
        {
            OnStepEnded = c =>
            {
                if (c.Step is 4 or 11)
                {
                    string[] stem = ["conv1", "bn1"];
                    c.SetFreezeState(c.FreezeState.Change(c.Step == 4 ? stem : [], c.Step == 4 ? [] : stem), keepOptimizerState: true);
                }
            },
        };
        using var whole = new TinyRun(options with { CheckpointDirectory = null });
        whole.Trainer.Add(Policy());
        whole.Trainer.Run();
        using (var first = new TinyRun(options))
        {
            first.Trainer.Add(Policy());
            Interrupt(first, 7);
        }

        using var second = new TinyRun(options);
        second.Trainer.Add(Policy());
        second.Trainer.Resume(scratch["last.safetensors"]);
        Assert.Equal(1, second.Trainer.Context.FrozenUnits);
        Assert.Equal(4, second.Optimizer.StateOf(second.Network.Parameters().First())!.Steps);
        second.Trainer.Run();
        Assert.Equal(whole.Trainer.Context.FreezeState.Version, second.Trainer.Context.FreezeState.Version);
        TinyRun.AssertSame(whole.State(), second.State());
    }

    [Fact]
    public void AdamW_goes_on_with_its_own_step_counts()
    {
        using var scratch = new Scratch();
        var options = new TrainerOptions { Epochs = 2, ClipNorm = 0.5f, LabelSmoothing = 0.1f };
        SortedDictionary<string, float[]> Train(string? directory, string? resume, int stopAfter)
        {
            using var run = new TinyRun(options);
            using var adam = new AdamW(run.Network);
            using var trainer = new Trainer(run.Network, adam, new CosineSchedule(0.01f), run.Train, run.Test, options with { CheckpointDirectory = directory });
            if (resume is not null)
            {
                trainer.Resume(resume);
            }

            Interrupt(trainer, stopAfter);
            return run.State();
        }

        var whole = Train(null, null, 0);
        Train(scratch.Root, null, 3);
        TinyRun.AssertSame(whole, Train(scratch.Root, scratch["last.safetensors"], 0));
    }

    [Fact]
    public void A_limited_run_can_be_carried_on()
    {
        using var scratch = new Scratch();
        // The limit is a reporting point of the whole run too, so that sums have the same order.
        var options = new TrainerOptions { Epochs = 2, LogInterval = 3 };
        var whole = Play(options, freeze: false);
        Play(options with { CheckpointDirectory = scratch.Root, LimitSteps = 3 }, freeze: false);
        var rest = Play(options, freeze: false, resume: scratch["last.safetensors"]);
        TinyRun.AssertSame(whole.State, rest.State);
        Assert.Equal(whole.Result.History.Select(e => e with { TrainSeconds = 0 }), rest.Result.History.Select(e => e with { TrainSeconds = 0 }));
    }

    private static Outcome Play(TrainerOptions options, bool freeze, int stopAfter = 0, string? resume = null, Action<TrainingContext>? also = null)
    {
        using var run = new TinyRun(options);
        var log = new List<string>();
        var trace = new Trace();
        run.Trainer.Add(trace);
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (freeze && c.Step is 6 or 9)
                {
                    string[] unit = c.Step == 6 ? ["conv1", "bn1"] : ["conv2", "bn2"];
                    c.SetFreezeState(c.FreezeState.Change(unit, []), keepOptimizerState: false);
                }

                also?.Invoke(c);
            },
            OnEpochStarting = c => log.Add($"epoch {c.Epoch}"),
            OnLogged = c => log.Add($"{c.LastReport! with { ExamplesPerSecond = 0, SecondsLeft = 0 }} {c.TrainLoss:R}"),
            OnEpochEnded = c => log.Add($"{c.History[^1] with { TrainSeconds = 0 }}"),
        });
        if (resume is not null)
        {
            run.Trainer.Resume(resume);
        }

        var result = Interrupt(run, stopAfter);
        return new Outcome(run.State(), log, result, [.. trace.Losses]);
    }

    private static TrainingResult Interrupt(TinyRun run, int stopAfter) => Interrupt(run.Trainer, stopAfter);

    // After a step, or after the epoch of the negative number; 0 for never.
    private static TrainingResult Interrupt(Trainer trainer, int stopAfter)
    {
        using var stop = new CancellationTokenSource();
        trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step == stopAfter)
                {
                    stop.Cancel();
                }
            },
            OnEpochEnded = c =>
            {
                if (c.Epoch == -stopAfter)
                {
                    stop.Cancel();
                }
            },
        });
        return trainer.Run(stop.Token);
    }

    private static void AssertSame(TrainingResult expected, TrainingResult actual)
    {
        Assert.Equal((expected.Steps, expected.Epochs), (actual.Steps, actual.Epochs));
        Assert.Equal(expected.TrainLoss, actual.TrainLoss);
        Assert.Equal(expected.Last, actual.Last);
        Assert.Equal(expected.Best, actual.Best);
        Assert.Equal(expected.History.Select(e => e with { TrainSeconds = 0 }), actual.History.Select(e => e with { TrainSeconds = 0 }));
        Assert.Equal(expected.Costs.Phases.Select(p => p with { Seconds = 0 }), actual.Costs.Phases.Select(p => p with { Seconds = 0 }));
        Assert.Equal((expected.FirstStep, expected.LastStep), (actual.FirstStep, actual.LastStep));
        Assert.True(actual.TrainSeconds > 0 && actual.WallSeconds > actual.TrainSeconds);
    }

    /// <summary>A callback with state: remembers the first weight after each step, half of it as JSON.</summary>
    private sealed class Trace : ITrainingCallback, ICheckpointed
    {
        public List<float> Losses { get; private set; } = [];

        public string CheckpointKey => "trace";

        public void StepEnded(TrainingContext context) => Losses.Add(context.Model.Parameters().First().Value.ToArray()[0]);

        public void Save(CheckpointEntries entries)
        {
            entries.Json["even"] = new JsonArray([.. Losses.Where((_, i) => i % 2 == 0).Select(l => (JsonNode)l)]);
            entries.Arrays["odd"] = [.. Losses.Where((_, i) => i % 2 == 1)];
        }

        public void Load(CheckpointEntries entries)
        {
            var (even, odd) = (entries.Json["even"]!.AsArray(), entries.Arrays["odd"]);
            Losses = [.. Enumerable.Range(0, even.Count + odd.Length).Select(i => i % 2 == 0 ? (float)even[i / 2]! : odd[i / 2])];
        }
    }
}
