using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Cli.Tests;

public sealed class StepTests : Smartfrz, IDisposable
{
    private static readonly long[] Target = [3, 0, 9];

    private readonly TemporaryFolder _folder = new();
    private int _outputs;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Output_of_a_step()
    {
        var before = Weights(ResNet);
        var after = Step(ResNet, "--lr", "0.25");

        Assert.Equal("F32 (3,10)", after.Tensors["logits"].ToString());
        Assert.Equal("F64 (1)", after.Tensors["losses"].ToString());
        Assert.Equal(before.Tensors.Keys.Order(), after.Names("state.").Order());
        string[] parameters = [.. before.Tensors.Keys.Where(k => !k.Contains("running_") && !k.Contains("tracked"))];
        Assert.Equal(parameters.Order(), after.Names("grad.").Order());
        Assert.Equal(after.Tensors.Count, 2 + before.Tensors.Count + parameters.Length);
        // Nothing but the gradient moves a weight: no momentum, no decay, no clipping.
        foreach (string name in parameters)
        {
            AssertNear([.. before.Numbers(name).Zip(after.Numbers("grad." + name), (w, g) => w - (0.25 * g))], after.Numbers("state." + name), 1e-6);
        }

        Assert.Equal("I64 ()", after.Tensors["state.bn1.num_batches_tracked"].ToString());
        Assert.All(after.Names("state.").Where(n => n.EndsWith("tracked", StringComparison.Ordinal)), n => Assert.Equal([1.0], after.Numbers("state." + n)));
        // The batch's statistics enter with a tenth.
        Assert.NotEqual(before.Numbers("bn1.running_mean"), after.Numbers("state.bn1.running_mean"));
    }

    [Fact]
    public void The_loss_is_that_of_the_logits()
    {
        foreach (double smoothing in new[] { 0, 0.1 })
        {
            var output = Step(Cnn, "--label-smoothing", Text(smoothing), "--weight-decay", "0.5");

            double expected = Target.Select((t, row) =>
            {
                double[] logits = output.Numbers("logits")[(10 * row)..(10 * (row + 1))];
                double norm = Math.Log(logits.Sum(Math.Exp));
                return norm - ((1 - smoothing) * logits[t]) - (smoothing * logits.Average());
            }).Average();
            Assert.Equal(expected, output.Numbers("losses")[0], 6);
        }
    }

    [Fact]
    public void Decay_reaches_every_parameter_and_clipping_scales_what_it_finds()
    {
        var before = Weights(ResNet);
        var plain = Step(ResNet, "--lr", "0.5");
        var clipped = Step(ResNet, "--lr", "0.5", "--weight-decay", "0.125", "--clip-norm", "0.01");

        double norm = Math.Sqrt(plain.Names("grad.").Sum(n => plain.Numbers("grad." + n).Sum(g => g * g)));
        foreach (string name in plain.Names("grad."))
        {
            double[] gradient = plain.Numbers("grad." + name);
            Assert.Equal(gradient, clipped.Numbers("grad." + name));
            double[] expected = [.. before.Numbers(name).Zip(gradient, (w, g) => w - (0.5 * ((g * 0.01 / norm) + (0.125 * w))))];
            AssertNear(expected, clipped.Numbers("state." + name), 1e-6);
        }
    }

    [Fact]
    public void AdamW_as_published()
    {
        var before = Weights(Cnn);
        var output = Step(Cnn, "--optimizer", "adamw", "--lr", "0.01", "--weight-decay", "0.1", "--steps", "1");

        foreach (string name in output.Names("grad."))
        {
            // The first step: both means are corrected to the gradient itself and its square.
            double[] expected = [.. before.Numbers(name).Zip(output.Numbers("grad." + name), (w, g) => (w * (1 - (0.01 * 0.1))) - (0.01 * g / (Math.Abs(g) + 1e-8)))];
            AssertNear(expected, output.Numbers("state." + name), 1e-5);
        }
    }

    [Fact]
    public void Steps_go_on_from_each_other_at_a_constant_rate()
    {
        var one = Step(Cnn, "--lr", "0.1", "--steps", "1");
        var two = Step(Cnn, "--lr", "0.1", "--steps", "2");
        var cosine = Step(Cnn, "--lr", "0.1", "--steps", "2", "--schedule", "cosine");
        Save(one, "after.safetensors");
        var second = Step(Cnn, "--lr", "0.1", "--weights", _folder["after.safetensors"]);

        Assert.Equal([one.Numbers("losses")[0], second.Numbers("losses")[0]], two.Numbers("losses"));
        Assert.True(two.Numbers("losses")[1] < two.Numbers("losses")[0]);
        Assert.Equal(one.Numbers("logits"), two.Numbers("logits"));
        Assert.Equal(one.Numbers("grad.fc2.bias"), two.Numbers("grad.fc2.bias"));
        Assert.All(two.Names("state."), n => Assert.Equal(second.Numbers("state." + n), two.Numbers("state." + n)));
        Assert.Equal(two.Numbers("losses"), cosine.Numbers("losses"));
        Assert.NotEqual(two.Numbers("state.fc2.bias"), cosine.Numbers("state.fc2.bias"));
    }

    [Fact]
    public void Frozen_from_the_start()
    {
        string[] options = ["--lr", "0.1", "--momentum", "0.9", "--weight-decay", "0.01", "--steps", "3"];
        var before = Weights(ResNet);
        var output = Step(ResNet, [.. options, "--freeze", "conv1,bn1,layer1,layer3.0.bn2.weight"]);

        Assert.All(before.Tensors.Keys, name => Assert.Equal(
            IsFrozen(name), before.Tensors[name].Bytes.Span.SequenceEqual(output.Tensors["state." + name].Bytes.Span)));
        Assert.All(before.Tensors.Keys.Where(k => k.EndsWith("tracked", StringComparison.Ordinal)), name => Assert.Equal(
            IsFrozen(name) ? 0 : 3, output.Numbers("state." + name)[0]));
        Assert.All(output.Names("grad."), name => Assert.False(IsFrozen(name)));
        Assert.Contains("layer3.0.bn2.bias", output.Names("grad."));

        var (all, frozen) = (Ledger(Step(ResNet, options)), Ledger(output));
        Assert.Equal(all["flops"]!["total"]!.GetValue<long>(), all["flops"]!["unfrozen_total"]!.GetValue<long>());
        Assert.Equal(all["flops"]!["total"]!.GetValue<long>(), frozen["flops"]!["unfrozen_total"]!.GetValue<long>());
        foreach (string phase in new[] { "backward_input", "backward_weight", "update" })
        {
            Assert.True(frozen["flops"]![phase]!.GetValue<long>() < all["flops"]![phase]!.GetValue<long>(), phase);
            Assert.True(frozen["launches"]![phase]!.GetValue<long>() < all["launches"]![phase]!.GetValue<long>(), phase);
        }

        Assert.True(frozen["memory"]!["gradient_bytes_first_step"]!.GetValue<long>() < all["memory"]!["gradient_bytes_first_step"]!.GetValue<long>());

        static bool IsFrozen(string name) => name == "layer3.0.bn2.weight" || name.StartsWith("conv1.", StringComparison.Ordinal)
            || name.StartsWith("bn1.", StringComparison.Ordinal) || name.StartsWith("layer1.", StringComparison.Ordinal);
    }

    [Fact]
    public void Frozen_on_the_way()
    {
        string[] options = ["--lr", "0.1", "--momentum", "0.9", "--steps", "4"];
        var open = Step(ResNet, "--lr", "0.1", "--momentum", "0.9", "--steps", "2");
        var output = Step(ResNet, [.. options, "--freeze-at", "2:layer2,bn1", "--freeze-at", "4:layer3", "--freeze-at", "900:linear,conv1"]);

        Assert.Contains("layer2.0.conv1.weight", output.Names("grad."));
        Assert.All(output.Names("state."), name =>
        {
            bool frozen = name.StartsWith("layer2.", StringComparison.Ordinal) || name.StartsWith("bn1.", StringComparison.Ordinal);
            Assert.Equal(frozen, output.Numbers("state." + name).SequenceEqual(open.Numbers("state." + name)));
        });
        Assert.Equal([2.0], output.Numbers("state.layer2.0.bn1.num_batches_tracked"));
        Assert.Equal([4.0], output.Numbers("state.layer3.0.bn1.num_batches_tracked"));
        var memory = Ledger(output)["memory"]!;
        Assert.True(memory["optimizer_bytes_last_step"]!.GetValue<long>() < memory["optimizer_bytes_first_step"]!.GetValue<long>());
    }

    [Fact]
    public void The_head_may_be_frozen_and_names_match_whole_segments()
    {
        var output = Step(Cnn, "--freeze", "fc2,fc1.bias");

        Assert.Equal(["conv1.bias", "conv1.weight", "conv2.bias", "conv2.weight", "fc1.weight"], output.Names("grad.").Order());
        Assert.StartsWith("no module or parameter of cnn is named 'conv', did you mean 'conv1'?", RefusedStep(Cnn, "--freeze", "conv"), StringComparison.Ordinal);
        Assert.StartsWith("no module or parameter of resnet8 is named 'layer'", RefusedStep(ResNet, "--freeze-at", "99:layer"), StringComparison.Ordinal);
        Assert.StartsWith("no module or parameter of resnet8 is named 'layer1.0.conv'", RefusedStep(ResNet, "--freeze", "layer1.0.conv"), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_use_is_refused_and_nothing_written()
    {
        Assert.Equal("freezing conv1, conv2, fc1, fc2 leaves nothing of cnn to train", RefusedStep(Cnn, "--freeze", "conv1,conv2,fc1", "--freeze-at", "0:fc2"));
        Assert.Equal("'conv1:2' is not STEP:NAME,NAME with a step from 0 on, as in 2:conv1,bn1", RefusedStep(Cnn, "--freeze-at", "conv1:2"));
        Assert.Equal("'-1:conv1' is not STEP:NAME,NAME with a step from 0 on, as in 2:conv1,bn1", RefusedStep(Cnn, "--freeze-at", "-1:conv1"));
        Assert.StartsWith("'conv1,,fc1' holds an empty name", RefusedStep(Cnn, "--freeze", "conv1,,fc1"), StringComparison.Ordinal);
        Assert.Equal("option 'steps' is 0, expected at least 1", RefusedStep(Cnn, "--steps", "0"));
        Assert.StartsWith("unknown option 'schedule.min_lr'", RefusedStep(Cnn, "--set", "schedule.min_lr=1"), StringComparison.Ordinal);
        Assert.StartsWith("unknown option 'optimizer.momentum'", RefusedStep(Cnn, "--optimizer", "adamw", "--momentum", "0.9"), StringComparison.Ordinal);
        Assert.StartsWith("unknown option '--epochs' of 'step'", RefusedStep(Cnn, "--epochs", "2"), StringComparison.Ordinal);
        Assert.StartsWith("precision 'bf16' was asked for, on cpu", RefusedStep(Cnn, "--precision", "bf16"), StringComparison.Ordinal);
        Assert.Equal($"output '{_folder.Root}' is a directory, expected a file", Refused([.. Arguments(Cnn, []), "--output", _folder.Root]));
    }

    [Fact]
    public void A_batch_that_does_not_fit_is_refused()
    {
        string Message(int[] shape, long[]? target, string model = "cnn") => Refused(
            "step", "--model", model, "--device", "cpu", "--input", StepFiles.Batch(_folder, shape, target, "wrong"), "--output", _folder["none"]);

        string path = _folder["wrong"];
        Assert.Equal($"{path}: there is no tensor 'target' I64 (N); it holds input", Message([2, 1, 8, 8], null));
        Assert.Equal($"{path}: 'input' is F32 (2,8,8), expected F32 (N,C,H,W)", Message([2, 8, 8], [0, 1]));
        Assert.Equal($"{path}: 'input' holds 2 examples, 'target' 1 labels", Message([2, 1, 8, 8], [0]));
        Assert.Equal($"{path}: label 10 of example 1 is none of the 10 classes of cnn", Message([2, 1, 8, 8], [0, 10]));
        Assert.Equal("option 'model.image_size' is 9, cnn expects a positive multiple of 4", Message([2, 1, 9, 9], [0, 1]));
        Assert.Equal($"{_folder["missing"]}: there is no such file", Refused("step", "--input", _folder["missing"], "--output", _folder["none"], "--device", "cpu"));
        Assert.False(File.Exists(_folder["none"]));
    }

    [Fact]
    public void Instruction_set_and_threads_are_those_that_were_asked_for()
    {
        foreach (var isa in Enum.GetValues<CpuIsa>().Where(i => Devices.List()[0].Details.Contains(i.ToString(), StringComparison.OrdinalIgnoreCase)))
        {
            foreach (int threads in new[] { 1, 3 })
            {
                var output = Step(ResNet, "--isa", isa.ToString().ToLowerInvariant(), "--threads", Text(threads), "--steps", "2");

                using var device = new CpuDevice(threads, isa);
                var config = StepRun.Configure(new JsonObject { ["model"] = new JsonObject { ["name"] = "resnet8", ["width"] = 4 } });
                using var run = new StepRun(config, new StepOptions { Steps = 2 }, TensorBatch.Read(Input(ResNet), target: true), device);
                Assert.Equal(Bytes(run.Run().ToFile()), Bytes(output));
            }
        }
    }

    [Fact]
    public void Json_holds_losses_and_ledger()
    {
        var json = Run([.. Arguments(Cnn, ["--steps", "2", "--json"]), "--output", _folder["out"]]).Json;

        Assert.Equal(["losses", "flops", "launches", "memory"], json.EnumerateObject().Select(p => p.Name));
        Assert.Equal(SafeTensors.Read(_folder["out"]).Numbers("losses"), json.GetProperty("losses").EnumerateArray().Select(l => l.GetDouble()));
        Assert.Equal(
            JsonNode.Parse(json.GetProperty("flops").GetRawText())!.ToJsonString(), Ledger(SafeTensors.Read(_folder["out"]))["flops"]!.ToJsonString());
    }

    private static string[] ResNet => ["resnet8", "--set", "model.width=4"];

    private static string[] Cnn => ["cnn", "--set", "model.width=3", "--set", "model.hidden=5"];

    private static string Text(IFormattable value) => value.ToString(null, System.Globalization.CultureInfo.InvariantCulture);

    private static JsonNode Ledger(SafeTensors file) => JsonNode.Parse(file.Metadata["ledger"])!;

    private static byte[] Bytes(SafeTensors file)
    {
        using var stream = new MemoryStream();
        file.Write(stream);
        return stream.ToArray();
    }

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.InRange(Math.Abs(p.First - p.Second), 0, tolerance * Math.Max(1, Math.Abs(p.First))));
    }

    private string Input(string[] model) => StepFiles.Batch(_folder, model[0] == "cnn" ? [3, 1, 8, 8] : [3, 3, 12, 12], Target);

    private string[] Arguments(string[] model, string[] options) => ["step", "--device", "cpu", "--model", .. model, "--input", Input(model), .. options];

    private SafeTensors Step(string[] model, params string[] options)
    {
        string path = _folder[$"output{_outputs++}.safetensors"];
        var outcome = Run([.. Arguments(model, options), "--output", path]);
        Assert.True(outcome.Code == 0, outcome.Error);
        return SafeTensors.Read(path);
    }

    private string RefusedStep(string[] model, params string[] options)
    {
        string path = _folder["refused"];
        string message = Refused([.. Arguments(model, options), "--output", path]);
        Assert.False(File.Exists(path));
        return message;
    }

    // The weights of the same seed, as a file of its own.
    private SafeTensors Weights(string[] model)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        var options = model[0] == "cnn"
            ? new JsonObject { ["width"] = 3, ["hidden"] = 5, ["image_size"] = 8 }
            : new JsonObject { ["width"] = 4 };
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), model[0], options);
        string path = _folder["weights.safetensors"];
        WeightsFile.Save(network, path);
        return SafeTensors.Read(path);
    }

    private void Save(SafeTensors output, string name)
    {
        var file = new SafeTensors();
        foreach (string tensor in output.Names("state."))
        {
            file.Tensors.Add(tensor, output.Tensors["state." + tensor]);
        }

        file.Write(_folder[name]);
    }
}
