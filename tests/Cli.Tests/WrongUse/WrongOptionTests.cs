using SmartFrz.Kernels;

namespace SmartFrz.Cli.Tests;

public sealed class WrongOptionTests : WrongUseTest
{
    [Theory]
    [InlineData("unknown option '--polcy' of 'train', did you mean '--policy'?; see --help", "--polcy", "none")]
    [InlineData("unknown argument 'extra' of 'train'; see --help", "extra")]
    [InlineData("option '--epochs' is 'many', expected a whole number", "--epochs", "many")]
    [InlineData("option '--lr' is 'fast', expected a number", "--lr", "fast")]
    [InlineData("option '--seed' is '-1', expected a whole number from 0", "--seed", "-1")]
    [InlineData("option '--lr' is NaN, expected a number", "--lr", "NaN")]
    [InlineData("option 'optimizer.lr' is -1, expected a number of at least 0", "--lr", "-1")]
    [InlineData("unknown policy 'smartfrs', did you mean 'smartfrz'?; known: linear, none, random, schedule, smartfrz", "--policy", "smartfrs")]
    [InlineData("unknown optimizer 'sdg', did you mean 'sgd'?; known: adamw, sgd", "--optimizer", "sdg")]
    [InlineData("unknown schedule 'cosin', did you mean 'cosine'?", "--schedule", "cosin")]
    [InlineData("unknown model 'resnet21', did you mean 'resnet20'?", "--set", "model.name=resnet21")]
    [InlineData("unknown data 'cifar11', did you mean 'cifar10'?", "--set", "data.name=cifar11")]
    [InlineData("unknown option 'model.widht', did you mean 'width'?; it has num_classes, in_channels, image_size, width, shortcut", "--set", "model.widht=4")]
    [InlineData("unknown option 'data.sizes', did you mean 'size'?", "--set", "data.sizes=4")]
    [InlineData("unknown option 'train.epoch', did you mean 'epochs'?", "--set", "train.epoch=4")]
    [InlineData("unknown option 'optimizer.beta'", "--set", "optimizer.beta=0.9")]
    [InlineData("unknown option 'schedule.warmup'", "--set", "schedule.warmup=3")]
    [InlineData("unknown option 'freeze.treshold', did you mean 'threshold'?", "--set", "freeze.treshold=0.9")]
    [InlineData("unknown option 'device.thread', did you mean 'threads'?", "--set", "device.thread=2")]
    [InlineData("unknown section 'modell', did you mean 'model'?; known: model, data, train, optimizer, schedule, freeze, device", "--set", "modell.width=4")]
    [InlineData("--set 'width' is not SECTION.KEY=VALUE, as in model.width=8", "--set", "width")]
    [InlineData("option 'model.width' is \"wide\", expected a whole number", "--set", "model.width=wide")]
    [InlineData("option 'model.width' is 0, expected at least 1", "--set", "model.width=0")]
    [InlineData("option 'model.shortcut' is \"C\", expected one of a, b", "--set", "model.shortcut=C")]
    [InlineData("option 'freeze.policy' is 3, expected a text", "--set", "freeze.policy=3")]
    [InlineData("option 'freeze.mode' is \"suffix\", expected one of prefix, free", "--set", "freeze.mode=suffix")]
    [InlineData("option 'freeze.threshold' is 2, expected a number above 0 and up to 1", "--set", "freeze.threshold=2")]
    [InlineData("option 'train.label_smoothing' is 1, expected a number from 0 to below 1", "--label-smoothing", "1")]
    [InlineData("option 'train.clip_norm' is -1, expected a number from 0 on", "--clip-norm", "-1")]
    [InlineData("a batch of 100 images cannot be cut from a data set of 64, and batches that are not full are left out", "--set", "train.batch=100")]
    [InlineData("limit of training examples 0, expected at least 1", "--limit-train", "0")]
    [InlineData("the device 'gpu' is not known: auto, cpu, cuda or cuda:I with I = 0, 1, ... is expected", "--set", "device.name=gpu")]
    [InlineData("the instruction set 'sse' is not known: auto, avx512, avx2 or vector128 is expected", "--isa", "sse")]
    [InlineData("precision 'tf32' was asked for, on cpu this version computes in fp32", "--precision", "tf32")]
    [InlineData("precision 'bf16' was asked for, on cpu this version computes in fp32", "--precision", "bf16")]
    [InlineData("unknown precision 'fp16'; known: fp32, tf32, bf16", "--precision", "fp16")]
    [InlineData("-1 threads were asked for, 1 or more are expected, or 0 for all", "--set", "device.threads=-1")]
    [InlineData("option 'model.weights_partial' is true, but no weights are given", "--weights-partial")]
    // These two are found by the policy when it sees the network: at the last moment before the first step.
    [InlineData("schedule entry 'layer9@2' matches no unit; the units are stem, layer1.0, layer2.0, layer3.0", "--policy", "schedule", "--set", "freeze.schedule=[\"layer9@2\"]")]
    [InlineData("no-such-file: there is no such file", "--policy", "smartfrz", "--set", "freeze.predictor=no-such-file")]
    public void What_is_not_known_or_does_not_fit_is_said_with_what_was_meant(string message, params string[] options) =>
        Assert.StartsWith(message, TrainRefused(options), StringComparison.Ordinal);

    [Fact]
    public void Commands_are_known_by_name()
    {
        Assert.Equal("unknown command 'trian', did you mean 'train'?; see --help", RefusedWithoutTrace("trian"));
        Assert.Equal("Required command was not provided.", RefusedWithoutTrace());
    }

    [Fact]
    public void Comparisons_are_checked_before_their_first_run()
    {
        string[] compare = ["compare", .. Small.Options, "--out", Out];

        Assert.StartsWith("unknown policy 'linaer', did you mean 'linear'?", RefusedWithoutTrace([.. compare, "--policies", "none,linaer"]), StringComparison.Ordinal);
        Assert.Equal("seed 'x' in '1,x' is no whole number", RefusedWithoutTrace([.. compare, "--seeds", "1,x"]));
        Assert.Equal("seed 1 stands twice in '1,2,1'", RefusedWithoutTrace([.. compare, "--seeds", "1,2,1"]));
        Assert.StartsWith("policies none,none and seeds", RefusedWithoutTrace([.. compare, "--policies", "none,none"]), StringComparison.Ordinal);
        Assert.Equal("batch size 0, expected at least 1", RefusedWithoutTrace([.. compare, "--policies", "none", "--batch", "0"]));
    }

    [Fact]
    public void Configurations_are_JSON_of_known_sections()
    {
        File.WriteAllText(Folder["broken.json"], "{\n  \"train\": {\n    \"epochs\": 3,,\n");
        File.WriteAllText(Folder["list.json"], "[1]");
        File.WriteAllText(Folder["key.json"], "{ /* one too many */ \"train\": { \"epoch\": 3 } }");

        Assert.Equal($"{Folder["none.json"]}: there is no such file", TrainRefused("--config", Folder["none.json"]));
        Assert.StartsWith($"{Folder["broken.json"]}: not JSON at line 3: ", TrainRefused("--config", Folder["broken.json"]), StringComparison.Ordinal);
        Assert.Equal($"{Folder["list.json"]}: a configuration is a JSON object", TrainRefused("--config", Folder["list.json"]));
        Assert.StartsWith("unknown option 'train.epoch', did you mean 'epochs'?", TrainRefused("--config", Folder["key.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_GPU_that_is_not_there_says_why()
    {
        var gpu = Devices.List().First(d => d.Id.StartsWith("cuda", StringComparison.Ordinal));
        string[] first = gpu.IsUsable ? ["--set", "device.name=cuda:99"] : ["--set", "device.name=cuda"];

        string message = TrainRefused(first);

        Assert.StartsWith($"device {first[1]["device.name=".Length..]} cannot be used: ", message, StringComparison.Ordinal);
        Assert.True(gpu.IsUsable || message.EndsWith(gpu.Reason, StringComparison.Ordinal), message);
    }

    [Fact]
    public void What_cannot_be_written_is_found_before_the_first_step()
    {
        File.WriteAllText(Folder["file"], "a file where a directory is wanted");

        string below = RefusedWithoutTrace([.. Small.Train, "--out", Folder["file/out"]]);
        string itself = RefusedWithoutTrace(["compare", .. Small.Options, "--out", Folder["file"]]);

        Assert.StartsWith($"output directory {Folder["file/out"]}", below, StringComparison.Ordinal);
        Assert.StartsWith($"output directory {Folder["file"]} cannot be written: ", itself, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_is_refused_leaves_an_earlier_one_as_it_was()
    {
        Assert.Equal(0, Run([.. Small.Train, "--out", Out, "--policy", "none", "--quiet"]).Code);

        Assert.StartsWith("schedule entry", TrainRefused("--policy", "schedule", "--set", "freeze.schedule=[\"layer9@2\"]"), StringComparison.Ordinal);
        Assert.Contains("seed 1, this run has 2", TrainRefused("--policy", "none", "--resume", "--seed", "2"), StringComparison.Ordinal);
        Assert.Contains("parts 'freeze-none', this run has 'freeze-linear'", TrainRefused("--policy", "linear", "--resume"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_to_resume_must_be_there()
    {
        Assert.Equal("--resume needs --out with the directory of the run", RefusedWithoutTrace([.. Small.Train, "--resume"]));
        Assert.Equal($"--resume: {Path.Combine(Out, "config.json")} does not exist: there is no run in {Out}", TrainRefused("--resume"));
        Folder.Write("new/out/config.json", "{}"u8.ToArray());
        Assert.Contains("last.safetensors: there is no such file", TrainRefused("--resume", "--policy", "none"), StringComparison.Ordinal);
    }
}
