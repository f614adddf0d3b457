using System.CommandLine;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli;

/// <summary><c>weights convert</c>: weights files from one format to another.</summary>
internal sealed class WeightsCommand : ICliCommand
{
    public int Order => 70;

    public Command Build()
    {
        var command = new Command("weights", "Weights files");
        var convert = new Command("convert", "Writes weights as safetensors: those of a safetensors file, or the network's in a checkpoint");
        var input = new Argument<string>("IN") { Description = "The file to read" };
        var output = new Argument<string>("OUT") { Description = "The file to write, .safetensors" };
        convert.Arguments.Add(input);
        convert.Arguments.Add(output);
        convert.SetAction(result =>
        {
            string target = result.GetValue(output)!;
            if (!target.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            {
                throw new OptionException($"output '{target}': weights are written as .safetensors only");
            }

            var file = WeightsFile.Convert(result.GetValue(input)!);
            using var place = new OutputFile(target);
            file.Write(place.FullPath);
            Console.WriteLine(FormattableString.Invariant($"{file.Tensors.Count} tensors, {file.Tensors.Values.Sum(t => t.Count)} values; {place.FullPath}"));
            return Failure.None;
        });
        command.Subcommands.Add(convert);
        return command;
    }
}
