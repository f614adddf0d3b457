using System.Globalization;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Cli;

/// <summary>Prints the backward plan of the first step, and again after each change of what is frozen.</summary>
internal sealed class PlanPrinter : ITrainingCallback
{
    private int _version = -1;

    public void GradientsReady(TrainingContext context)
    {
        if (context.FreezeState.Version == _version)
        {
            return;
        }

        _version = context.FreezeState.Version;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"backward plan of step {context.Step} (freeze version {_version}):"));
        Console.Error.WriteLine(PlanTable.Format(context.Engine.LastPlan!, context.Engine.Context.Launches));
    }
}
