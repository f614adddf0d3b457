using System.CommandLine;
using SmartFrz.Freeze;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Cli;

/// <summary><c>logits</c>: a forward pass in evaluation mode.</summary>
internal sealed class LogitsCommand : ICliCommand
{
    public int Order => 51;

    public Command Build()
    {
        var command = new Command("logits", "Forward only, in evaluation mode: --input X.safetensors to --output Y.safetensors");
        var run = new RunOptions(command, RunParts.Network);
        var input = new Option<string>("--input") { Description = "Safetensors with input F32 (N,C,H,W), or input_ids, token_type_ids, attention_mask I64 (N,T), used as it is", Required = true };
        var output = new Option<string>("--output") { Description = "The file of the logits, safetensors", Required = true };
        command.Options.Add(input);
        command.Options.Add(output);
        command.SetAction(result =>
        {
            var config = run.Read(result);
            var batch = TensorBatch.Read(result.GetValue(input)!, target: false);
            using var device = FreezeRun.OpenDevice(config.Device);
            using var engine = new Engine(device);
            using var network = ConfiguredNetwork.Build(engine, config, NetworkInput.Of(batch));
            batch.Check(network);
            Notices.PrintFresh(config);
            Notices.Print(ConfiguredNetwork.LoadWeights(network, config));
            using var target = new OutputFile(result.GetValue(output)!);
            var file = new SafeTensors();
            file.Tensors.Add("logits", Inference.Logits(network, batch));
            file.Write(target.FullPath);
            Console.WriteLine($"{network.Name}: logits of {batch.Count} examples; {target.FullPath}");
            return Failure.None;
        });
        return command;
    }
}
