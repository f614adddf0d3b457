using System.CommandLine;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli;

/// <summary><c>weights convert</c>: weights files from one format to another.</summary>
internal sealed class WeightsCommand : ICliCommand
{
    private static readonly string[] Types = ["f64", "f32", "f16", "bf16"];

    public int Order => 70;

    public Command Build()
    {
        var command = new Command("weights", "Weights files");
        var convert = new Command("convert", "Writes weights as safetensors: those of a safetensors file, of what torch.save wrote, or the network's in a checkpoint");
        var input = new Argument<string>("IN") { Description = "The file to read: .safetensors, or .pth, .pt, .th" };
        var output = new Argument<string>("OUT") { Description = "The file to write, .safetensors" };
        var type = new Option<string?>("--dtype") { Description = "The type of the floating-point tensors: f64, f32, f16 or bf16; without it each keeps its own" };
        convert.Arguments.Add(input);
        convert.Arguments.Add(output);
        convert.Options.Add(type);
        convert.SetAction(result =>
        {
            string target = result.GetValue(output)!;
            if (!target.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            {
                throw new OptionException($"output '{target}': weights are written as .safetensors only");
            }

            string? wanted = result.GetValue(type);
            if (wanted is not null && !Types.Contains(wanted))
            {
                throw new OptionException($"option '--dtype' is '{wanted}', expected {string.Join(", ", Types)}");
            }

            var file = WeightsFile.Convert(result.GetValue(input)!, wanted?.ToUpperInvariant());
            using var place = new OutputFile(target);
            file.Write(place.FullPath);
            Console.WriteLine(FormattableString.Invariant($"{file.Tensors.Count} tensors, {file.Tensors.Values.Sum(t => t.Count)} values; {place.FullPath}"));
            return Failure.None;
        });
        command.Subcommands.Add(convert);
        return command;
    }
}
