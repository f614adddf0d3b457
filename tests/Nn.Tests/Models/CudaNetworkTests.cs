using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>Whole training steps with the CUDA kernels, on the emulator, against the CPU.</summary>
public sealed class CudaNetworkTests
{
    [Theory]
    [InlineData("resnet8", """{"width":2,"in_channels":1,"num_classes":3,"image_size":5}""", "layer2.0")]
    [InlineData("resnet8", """{"width":2,"in_channels":1,"num_classes":3,"image_size":5,"shortcut":"b"}""", "conv1")]
    [InlineData("cnn", """{"image_size":4,"width":2,"hidden":5}""", "conv1")]
    public void Two_steps_with_a_frozen_part_are_those_of_the_cpu(string name, string options, string frozen)
    {
        using var cpu = new CpuDevice(2);
        using var cuda = CudaDevice.OpenEmulated();
        var expected = Train(cpu, name, options, frozen);
        var actual = Train(cuda, name, options, frozen);

        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (key, values) in expected)
        {
            // The loss and weights are of the size of 1 at most; Adam moves a weight by about the learning rate whatever the gradient's
            // size, so a rounding of a gradient near its eps shows.
            for (int i = 0; i < values.Length; i++)
            {
                Assert.True(Math.Abs(values[i] - actual[key][i]) <= 2e-5, $"{key}: element {i} is {actual[key][i]:R}, expected {values[i]:R}");
            }
        }
    }

    private static Dictionary<string, float[]> Train(Device device, string name, string options, string frozen)
    {
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), name, (JsonObject)JsonNode.Parse(options)!);
        using var adamw = new AdamW(network, eps: 1e-3f);
        using var norm = new GradientNorm(network);
        FreezeState.Empty.Change([frozen], []).WriteTo(network);
        var losses = new float[2];
        for (int step = 0; step < losses.Length; step++)
        {
            using (engine.BeginStep())
            {
                var loss = ModelTests.Loss(network, 3);
                losses[step] = loss.Item();
                engine.Backward(loss);
            }

            norm.Compute();
            adamw.Step(0.01f, norm, 0.5f);
            adamw.ClearGradients();
        }

        var state = Weights.StateDict.Read(network).ToDictionary(t => t.Key, t => t.Value.ToFloats());
        state.Add("losses", losses);
        return state;
    }
}
