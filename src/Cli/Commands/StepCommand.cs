using System.CommandLine;
using SmartFrz.Freeze;
using SmartFrz.Nn.Data;

namespace SmartFrz.Cli;

/// <summary><c>step</c>: training steps on one given batch, everything written down.</summary>
internal sealed class StepCommand : ICliCommand
{
    public int Order => 50;

    public Command Build()
    {
        var command = new Command("step", "Trains a few steps on one given batch and writes logits, losses, gradients, the state and the ledger: for debugging and for parity with other frameworks");
        var run = new RunOptions(command, RunParts.Network | RunParts.Optimizer);
        var input = new Option<string>("--input") { Description = "Safetensors with input F32 (N,C,H,W), or input_ids, token_type_ids, attention_mask I64 (N,T), and target I64 (N), used as they are", Required = true };
        var output = new Option<string>("--output") { Description = "The file of the results, safetensors", Required = true };
        var steps = new Option<int>("--steps") { Description = "Steps", DefaultValueFactory = _ => 1 };
        var freeze = new Option<string?>("--freeze") { Description = "Modules and parameters that are frozen from the start, separated by commas" };
        var freezeAt = new Option<string[]>("--freeze-at") { Description = "STEP:NAME,NAME freezes them before that step, counted from 0 (repeatable)" };
        var json = JsonOutput.Option();
        foreach (Option option in new Option[] { input, output, steps, freeze, freezeAt, json })
        {
            command.Options.Add(option);
        }

        command.SetAction(result =>
        {
            var config = StepRun.Configure(run.ReadJson(result));
            var moments = (result.GetValue(freezeAt) ?? []).Select(FreezeMoment.Parse).ToList();
            if (result.GetValue(freeze) is { } names)
            {
                moments.Insert(0, new FreezeMoment(0, FrozenNames.Parse(names)));
            }

            var batch = TensorBatch.Read(result.GetValue(input)!, target: true);
            using var device = FreezeRun.OpenDevice(config.Device);
            using var stepRun = new StepRun(config, new StepOptions { Steps = result.GetValue(steps), Freeze = moments }, batch, device);
            Notices.Print(stepRun.WeightsReport);
            using var target = new OutputFile(result.GetValue(output)!);
            var outcome = stepRun.Run();
            outcome.ToFile().Write(target.FullPath);
            if (result.GetValue(json))
            {
                // A loss that is no number cannot be written as one.
                JsonOutput.Print(new
                {
                    Losses = outcome.Losses.Select(l => double.IsFinite(l) ? l : (double?)null),
                    outcome.Ledger.Flops,
                    outcome.Ledger.Launches,
                    outcome.Ledger.Memory,
                });
            }
            else
            {
                Console.WriteLine(FormattableString.Invariant(
                    $"{stepRun.Network.Name}: {outcome.Losses.Count} steps, loss {outcome.Losses[0]:0.000000} to {outcome.Losses[^1]:0.000000}, {outcome.Gradients.Count} gradients; {target.FullPath}"));
            }

            return Failure.None;
        });
        return command;
    }
}
