using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn.Tests.Training;

public sealed class CheckpointTests
{
    private static readonly TrainerOptions Short = new() { Epochs = 2, LogInterval = 2 };

    [Fact]
    public void A_checkpoint_holds_everything_under_plain_names()
    {
        using var scratch = new Scratch();
        using var run = new TinyRun(Short with { CheckpointDirectory = scratch.Root, Config = "{\"a\": \"b\"}" });
        run.Trainer.Run();
        Assert.Equal(["best.safetensors", "last.safetensors"], scratch.Files());
        var checkpoint = Checkpoint.Read(scratch["last.safetensors"]);
        Assert.Equal(("tiny", 10L, 2, "{\"a\": \"b\"}"), (checkpoint.Model, checkpoint.Step, checkpoint.Epoch, checkpoint.Config));
        var file = SafeTensors.Read(scratch["last.safetensors"]);
        Assert.Equal(run.Network.Parameters().First().Value.ToArray(), file.Tensors["model.conv1.weight"].ToFloats());
        Assert.Equal(10, Assert.Single(file.Tensors["model.bn1.num_batches_tracked"].ToLongs()));
        Assert.Equal([4], file.Tensors["model.bn2.running_var"].Shape);
        Assert.Equal([4, 64], file.Tensors["optim.head.weight.momentum_buffer"].Shape);
    }

    [Fact]
    public void The_best_and_the_newest_checkpoints_are_kept()
    {
        using var scratch = new Scratch();
        using var run = new TinyRun(new TrainerOptions { Epochs = 4, CheckpointDirectory = scratch.Root, CheckpointInterval = 2, KeepCheckpoints = 3 });
        var result = run.Trainer.Run();
        Assert.Equal(["best.safetensors", "last.safetensors", "step-00000016.safetensors", "step-00000018.safetensors"], scratch.Files());
        Assert.Equal(18, Checkpoint.Read(scratch["step-00000018.safetensors"]).Step);
        int best = result.History.First(e => e.Test!.Accuracy == result.Best!.Accuracy).Epoch;
        Assert.Equal(best, Checkpoint.Read(scratch["best.safetensors"]).Epoch);
        Assert.Equal(20, Checkpoint.Read(scratch["last.safetensors"]).Step);
    }

    [Fact]
    public void A_checkpoint_of_another_run_is_refused_and_nothing_is_changed()
    {
        using var scratch = new Scratch();
        string path = scratch["last.safetensors"];
        using (var run = new TinyRun(Short with { CheckpointDirectory = scratch.Root }))
        {
            run.Trainer.Run();
        }

        Refused(path, "seed 3, this run has 4", () => new TinyRun(Short, seed: 4));
        Refused(path, "steps per epoch 5, this run has 20", () => new TinyRun(Short, batch: 2));
        Refused(path, "step 10, this run has 5 steps", () => new TinyRun(Short with { Epochs = 1 }));
        Refused(path, "model.conv1.weight is F32 (4,1,3,3), F32 (6,1,3,3) is expected", () => new TinyRun(Short, width: 6));
        Refused(path, "parts none, this run has 'history'", () =>
        {
            var run = new TinyRun(Short);
            run.Trainer.Add(new Keeper());
            return run;
        });
    }

    [Fact]
    public void Another_optimizer_is_refused()
    {
        using var scratch = new Scratch();
        using var run = new TinyRun(Short with { CheckpointDirectory = scratch.Root });
        run.Trainer.Run();
        using var adam = new AdamW(run.Network);
        using var trainer = new Trainer(run.Network, adam, new ConstantSchedule(0.1f), run.Train, null, Short);
        var e = Assert.Throws<CheckpointException>(() => trainer.Resume(scratch["last.safetensors"]));
        Assert.Contains("Sgd(momentum_buffer), this run has AdamW(exp_avg,exp_avg_sq)", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("truncated")]
    [InlineData("not a checkpoint")]
    [InlineData("schema")]
    [InlineData("description")]
    [InlineData("no description")]
    [InlineData("tensor missing")]
    [InlineData("tensor too many")]
    [InlineData("state of nothing")]
    [InlineData("frozen nothing")]
    [InlineData("step beyond")]
    public void A_damaged_checkpoint_is_refused_in_one_line(string damage)
    {
        using var scratch = new Scratch();
        string path = scratch["last.safetensors"];
        using (var made = new TinyRun(Short with { CheckpointDirectory = scratch.Root }))
        {
            made.Trainer.Run();
        }

        var file = SafeTensors.Read(path);
        string run = file.Metadata["run"];
        string expected = damage switch
        {
            "missing" => "no such file",
            "truncated" => path,
            "not a checkpoint" => "no checkpoint",
            "schema" => "schema 2, this version reads schema 1",
            "tensor missing" => "model.bn1.running_mean is missing",
            "tensor too many" => "extra is not expected",
            "state of nothing" => "'conv9.weight'",
            "frozen nothing" => "'conv9' is frozen there",
            "step beyond" => "step 9 and epoch 2 do not belong together",
            _ => "description of the run",
        };
        switch (damage)
        {
            case "not a checkpoint":
                file.Metadata.Clear();
                break;
            case "schema":
                file.Metadata["schema"] = "2";
                break;
            case "description":
                file.Metadata["run"] = run.Replace("\"epoch\":2", "\"epoch\":\"two\"", StringComparison.Ordinal);
                break;
            case "no description":
                file.Metadata.Remove("run");
                break;
            case "tensor missing":
                file.Tensors.Remove("model.bn1.running_mean");
                break;
            case "tensor too many":
                file.Tensors.Add("extra", StoredTensor.Of([1f], 1));
                break;
            case "state of nothing":
                file.Metadata["run"] = run.Replace("\"conv1.weight\":10", "\"conv9.weight\":10", StringComparison.Ordinal);
                break;
            case "frozen nothing":
                file.Metadata["run"] = run.Replace("\"frozen\":[]", "\"frozen\":[\"conv9\"]", StringComparison.Ordinal);
                break;
            case "step beyond":
                file.Metadata["run"] = run.Replace("\"step\":10,\"epoch\":2", "\"step\":9,\"epoch\":2", StringComparison.Ordinal);
                break;
            default:
                break;
        }

        file.Write(path);
        if (damage == "missing")
        {
            File.Delete(path);
        }
        else if (damage == "truncated")
        {
            using var stream = File.Open(path, FileMode.Open);
            stream.SetLength(stream.Length - 5);
        }

        string message = Refused(path, expected, () => new TinyRun(Short));
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_place_that_takes_no_checkpoint_is_found_before_the_first_step()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["taken"], "a file");
        using var run = new TinyRun(Short with { CheckpointDirectory = scratch["taken"] });
        var before = run.State();
        var e = Assert.Throws<CheckpointException>(() => run.Trainer.Run());
        Assert.Contains("checkpoints cannot be written there", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, run.Trainer.Context.Step);
        TinyRun.AssertSame(before, run.State());
        Assert.Equal("a file", File.ReadAllText(scratch["taken"]));
    }

    [Fact]
    public void A_disk_without_room_is_found_before_the_first_step()
    {
        using var scratch = new Scratch();
        var free = new DriveInfo(scratch.Root).AvailableFreeSpace;
        var store = new CheckpointStore(scratch["checkpoints"], keep: 1, keepBest: true);
        Assert.Throws<CheckpointException>(() => store.Prepare(free));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["checkpoints"]));
        store.Prepare(1000);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["checkpoints"]));
    }

    [Fact]
    public void A_save_that_fails_later_leaves_the_last_good_checkpoint()
    {
        using var scratch = new Scratch();
        var options = Short with { CheckpointDirectory = scratch.Root, CheckpointInterval = 3 };
        using var run = new TinyRun(options);
        run.Trainer.Add(new Callback
        {
            // A directory in the file's place: it cannot be written any more.
            OnEpochEnded = _ =>
            {
                File.Move(scratch["last.safetensors"], scratch["good.safetensors"]);
                Directory.CreateDirectory(scratch["last.safetensors"]);
            },
        });
        var e = Assert.Throws<TrainingException>(() => run.Trainer.Run());
        Assert.Contains("step 5", e.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be written, the last good one is as it was", e.Message, StringComparison.Ordinal);
        Assert.Equal(["good.safetensors"], scratch.Files());
        using var again = new TinyRun(Short);
        again.Trainer.Resume(scratch["good.safetensors"]);
        Assert.Equal(3, again.Trainer.Context.Step);
    }

    [Fact]
    public void Weights_that_are_no_numbers_never_replace_a_good_checkpoint()
    {
        using var scratch = new Scratch();
        using var run = new TinyRun(Short with { CheckpointDirectory = scratch.Root });
        run.Trainer.Add(new Callback
        {
            OnEpochEnded = c =>
            {
                if (c.Epoch == 2)
                {
                    var bias = c.Model.Parameters().Last().Value;
                    bias.CopyFrom([.. Enumerable.Repeat(float.NaN, (int)bias.Shape.Count)]);
                }
            },
        });
        var e = Assert.Throws<TrainingException>(() => run.Trainer.Run());
        Assert.Contains("step 10: head.bias holds values that are not finite", e.Message, StringComparison.Ordinal);
        Assert.Equal(5, Checkpoint.Read(scratch["last.safetensors"]).Step);
    }

    [Fact]
    public void A_run_cancelled_before_its_first_step_can_be_resumed()
    {
        using var scratch = new Scratch();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using (var run = new TinyRun(Short with { CheckpointDirectory = scratch.Root }))
        {
            Assert.True(run.Trainer.Run(stop.Token).Interrupted);
        }

        using var whole = new TinyRun(Short);
        using var resumed = new TinyRun(Short);
        resumed.Trainer.Resume(scratch["last.safetensors"]);
        whole.Trainer.Run();
        resumed.Trainer.Run();
        TinyRun.AssertSame(whole.State(), resumed.State());
    }

    [Fact]
    public void Two_parts_of_one_key_are_refused()
    {
        using var run = new TinyRun();
        run.Trainer.Add(new Keeper());
        Assert.Contains("'history'", Assert.Throws<ArgumentException>(() => run.Trainer.Add(new Keeper())).Message, StringComparison.Ordinal);
    }

    private static string Refused(string path, string expected, Func<TinyRun> make)
    {
        using var run = make();
        var before = run.State();
        var e = Assert.Throws<CheckpointException>(() => run.Trainer.Resume(path));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        TinyRun.AssertSame(before, run.State());
        Assert.Equal(0, run.Trainer.Context.Step);
        Assert.Equal(0, run.Trainer.Context.FreezeState.Version);
        return e.Message;
    }

    private sealed class Keeper : ITrainingCallback, ICheckpointed
    {
        public string CheckpointKey => "history";

        public void Save(CheckpointEntries entries) => entries.Json["a"] = 1;

        public void Load(CheckpointEntries entries) => Assert.Equal(1, (int)entries.Json["a"]!);
    }
}
