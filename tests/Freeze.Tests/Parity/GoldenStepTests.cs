using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze.Tests;

/// <summary>
/// Training steps of every network beside PyTorch's, which <c>bench/peers/golden_steps.py</c> wrote down: logits, losses, gradients and the
/// state afterwards, under SGD and AdamW, unfrozen, with a frozen prefix, with a frozen unit in the middle, and with a growing prefix.
/// </summary>
public sealed class GoldenStepTests
{
    // How far we may be from double precision, as a multiple of how far PyTorch's own single precision is. The expectations' elements have
    // ten digits, and no number is nearer to the exact one than half a unit of its last place.
    private const double Factor = 20, Rounding = 1.0 / (1 << 24);

    private const string Least = "least.";

    private static readonly string[] NetworksOfTorch = ["resnet8", "resnet20", "resnet56", "resnet18", "resnet50", "vgg11", "vgg11_bn", "mobilenet_v2", "deit_tiny", "bert_base"];

    public static TheoryData<string> Networks => [.. NetworksOfTorch];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Steps_are_those_of_pytorch(string name)
    {
        var golden = Golden.Read(name);
        Assert.Equal(5, golden.Cases.Count);
        using var device = new CpuDevice(2);
        foreach (var expected in golden.Cases)
        {
            Check(golden, expected, device);
        }
    }

    private static void Check(Golden golden, GoldenCase expected, CpuDevice device)
    {
        var batch = Formulas.Batch(golden.Shape, (int?)golden.Options["vocab_size"] ?? 0, (int)golden.Options["num_classes"]!, expected.Draw);
        var model = (JsonObject)golden.Options.DeepClone();
        model["name"] = golden.Model;
        var config = StepRun.Configure(new JsonObject { ["model"] = model, ["optimizer"] = expected.Optimizer.DeepClone() });
        var moments = expected.Freeze.Select(f => new FreezeMoment(f.Step, f.Names)).ToList();
        using var run = new StepRun(config, new StepOptions { Steps = golden.Steps, Freeze = moments }, batch, device);
        Formulas.Fill(run.Network, expected.Draw);
        if (!run.Network.Counters().Any())
        {
            // Without running statistics, and with a dropout of 0, evaluation computes what training does.
            Compare(golden, expected, "logits", expected.Tensors["logits"], Inference.Logits(run.Network, batch).ToDoubles());
        }

        var result = run.Run();

        var actual = result.Gradients.ToDictionary(g => "grad." + g.Key, g => g.Value.ToDoubles());
        actual.Add("logits", result.Logits.ToDoubles());
        actual.Add("losses", [.. result.Losses]);
        foreach (var (key, value) in result.State)
        {
            actual.Add("state." + key, value.ToDoubles());
        }

        var tensors = expected.Tensors.Where(t => !t.Key.StartsWith(Least, StringComparison.Ordinal)).ToList();
        Assert.Equal(tensors.Select(t => t.Key).Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, numbers) in tensors)
        {
            Compare(golden, expected, key, numbers, actual[key]);
        }

        CheckFrozen(run.Network, expected, result.State);
    }

    private static void Compare(Golden golden, GoldenCase expected, string key, double[] numbers, double[] actual)
    {
        int[] places = Formulas.Samples(golden.Samples, actual.Length);
        for (int i = 0; i < places.Length; i++)
        {
            double limit = Limit(numbers) + AdamLimit(golden, expected, key, i), error = Math.Abs(actual[places[i]] - numbers[i + 2]);
            Assert.True(
                error <= limit,
                FormattableString.Invariant($"{golden.Model} {expected.Name}: {key}[{places[i]}] is {actual[places[i]]:R}, expected {numbers[i + 2]:R}, error {error:g2}, limit {limit:g2}"));
        }
    }

    private static double Limit(double[] numbers) => Factor * Math.Max(numbers[1], Rounding) * numbers[0];

    // Adam divides a gradient by its own size: what its element may be off, as a share of the smallest that it becomes, the parameter may be
    // off at each step as a share of the learning rate; never more than the steps of both together.
    private static double AdamLimit(Golden golden, GoldenCase expected, string key, int sample)
    {
        string name = key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..];
        return key.StartsWith("state.", StringComparison.Ordinal) && expected.Tensors.TryGetValue(Least + name, out var least) && least[sample + 2] > 0
            ? (double)expected.Optimizer["lr"]! * golden.Steps * Math.Min(2, Limit(expected.Tensors["grad." + name]) / least[sample + 2])
            : 0;
    }

    // What is frozen from the start has the bytes that it began with, running statistics included.
    private static void CheckFrozen(Network network, GoldenCase expected, IReadOnlyDictionary<string, StoredTensor> state)
    {
        string[] names = [.. expected.Freeze.Where(f => f.Step == 0).SelectMany(f => f.Names)];
        var frozen = network.Parameters().Select(p => (p.Name, p.Shape)).Concat(network.Buffers().Select(b => (b.Name, b.Value.Shape)))
            .Where(t => names.Any(n => DottedName.IsWithin(t.Name, n))).ToList();
        Assert.Equal(names.Length == 0, frozen.Count == 0);
        foreach (var (name, shape) in frozen)
        {
            Assert.True(
                MemoryMarshal.AsBytes<float>(Formulas.Values(name, shape, expected.Draw)).SequenceEqual(MemoryMarshal.AsBytes<float>(state[name].ToFloats())),
                $"{network.Name} {expected.Name}: {name} is frozen and has changed");
        }

        foreach (var counter in network.Counters().Where(c => names.Any(n => DottedName.IsWithin(c.Name, n))))
        {
            Assert.Equal(0, counter.Value);
        }
    }

    /// <summary>The expectations of one network.</summary>
    private sealed record Golden(string Model, JsonObject Options, int[] Shape, int Steps, int Samples, IReadOnlyList<GoldenCase> Cases)
    {
        public static Golden Read(string name)
        {
            using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Parity.{name}.json")!;
            return JsonSerializer.Deserialize<Golden>(stream, JsonSerializerOptions.Web)!;
        }
    }

    /// <summary>The expectations of one optimizer and freezing.</summary>
    /// <param name="Name">What is tried.</param>
    /// <param name="Draw">The draw of weights and batch.</param>
    /// <param name="Optimizer">The section of the configuration.</param>
    /// <param name="Freeze">What freezes when.</param>
    /// <param name="Tensors">Of each tensor the largest number, PyTorch's error as a share of it, and some elements; under AdamW also how small the gradients of these become.</param>
    private sealed record GoldenCase(string Name, int Draw, JsonObject Optimizer, IReadOnlyList<GoldenMoment> Freeze, IReadOnlyDictionary<string, double[]> Tensors);

    private sealed record GoldenMoment(long Step, IReadOnlyList<string> Names);
}
