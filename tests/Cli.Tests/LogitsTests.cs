using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli.Tests;

public sealed class LogitsTests : Smartfrz
{
    private static readonly string[] Network = ["--model", "resnet8", "--set", "model.width=2", "--device", "cpu"];

    [Fact]
    public void Logits_are_those_of_evaluation_mode_image_by_image()
    {
        using var folder = new TemporaryFolder();
        string many = StepFiles.Batch(folder, [5, 3, 8, 8], null, "many"), one = StepFiles.Batch(folder, [1, 3, 8, 8], null, "one");

        Run(["logits", .. Network, "--input", many, "--output", folder["a"]]);
        Run(["logits", .. Network, "--input", one, "--output", folder["b"]]);

        var (all, first) = (SafeTensors.Read(folder["a"]), SafeTensors.Read(folder["b"]));
        Assert.Equal(["logits"], all.Tensors.Keys);
        Assert.Equal("F32 (5,10)", all.Tensors["logits"].ToString());
        // In training mode the other images of a batch would enter through its statistics.
        Assert.All(first.Numbers("logits").Zip(all.Numbers("logits")), p => Assert.Equal(p.First, p.Second, 1e-5));
        Assert.Contains("--weights", Run(["logits", .. Network, "--input", one, "--output", folder["b"]]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        using var folder = new TemporaryFolder();
        string input = StepFiles.Batch(folder, [1, 3, 8, 8], null);
        string tokens = folder["tokens"];
        var file = new SafeTensors();
        file.Tensors.Add("input_ids", StoredTensor.Of([1L, 2L], 1, 2));
        file.Write(tokens);
        folder.Write("damaged", File.ReadAllBytes(input)[..^1]);

        string RefusedInput(string path) => Refused(["logits", .. Network, "--input", path, "--output", folder["out"]]);
        Assert.Equal($"{tokens} has 'input_ids', resnet8 expects 'input'", RefusedInput(tokens));
        Assert.StartsWith(folder["damaged"] + ": ", RefusedInput(folder["damaged"]), StringComparison.Ordinal);
        Assert.StartsWith("unknown model 'resnet9', did you mean 'resnet", Refused("logits", "--model", "resnet9", "--device", "cpu", "--input", input, "--output", folder["out"]), StringComparison.Ordinal);
        Assert.StartsWith("unknown option '--inptu' of 'logits', did you mean '--input'?", Refused("logits", "--inptu", input), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["out"]));
    }

    [DataFact("cifar10-resnet20/check-images.bin", "cifar10-resnet20/resnet20.safetensors")]
    public void Logits_of_a_network_trained_by_others()
    {
        using var folder = new TemporaryFolder();
        float[] mean = [0.485f, 0.456f, 0.406f], deviation = [0.229f, 0.224f, 0.225f];
        const int Record = 3073, Plane = 1024;
        byte[] images = File.ReadAllBytes(DataFolder.Path("cifar10-resnet20/check-images.bin"));
        int count = images.Length / Record;
        float[] pixels =
        [
            .. Enumerable.Range(0, count).SelectMany(i => images[((i * Record) + 1)..((i + 1) * Record)])
                .Select((p, i) => ((p / 255f) - mean[i / Plane % 3]) / deviation[i / Plane % 3]),
            // An image by formula: pixel(c,y,x) = (37c + 11y + 5x + xy) mod 256.
            .. Enumerable.Range(0, 3 * Plane).Select(i =>
            {
                int c = i / Plane, y = i / 32 % 32, x = i % 32;
                return ((((37 * c) + (11 * y) + (5 * x) + (x * y)) % 256 / 255f) - mean[c]) / deviation[c];
            }),
        ];
        var input = new SafeTensors();
        input.Tensors.Add("input", StoredTensor.Of(pixels, count + 1, 3, 32, 32));
        input.Write(folder["input"]);

        var outcome = Run(
            "logits", "--model", "resnet20", "--device", "cpu", "--weights", DataFolder.Path("cifar10-resnet20/resnet20.safetensors"),
            "--input", folder["input"], "--output", folder["output"]);

        Assert.Equal(0, outcome.Code);
        double[] logits = SafeTensors.Read(folder["output"]).Numbers("logits");
        // PyTorch's, in double precision: the first test images of classes 0, 1 and 9, and the image by formula.
        Row(0, [7.89011, -1.08766, 2.63423, -1.01254, -2.83701, -6.95334, -3.34811, -6.49845, 6.97379, 4.20975]);
        Row(8, [-3.84901, 14.13663, -4.07982, 5.57618, -2.67205, -1.59166, -2.19577, -4.09360, -3.38726, 2.09777]);
        Row(16, [-2.98226, -0.16131, -2.85763, -3.27619, -6.16909, -8.09874, -6.01203, 1.81405, 4.39996, 23.39801]);
        Row(17, [10.35792, 21.63460, -2.68025, -3.70833, -15.01476, -8.19359, -5.39847, -7.78025, 0.52617, 10.19101]);

        void Row(int row, double[] expected) =>
            Assert.All(expected.Zip(logits[(10 * row)..(10 * (row + 1))]), p => Assert.InRange(p.Second, p.First - 1e-3, p.First + 1e-3));
    }
}
