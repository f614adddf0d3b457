using System.Globalization;
using SmartFrz.Freeze;
using SmartFrz.Nn;

namespace SmartFrz.Cli;

/// <summary>
/// Progress on standard error: one line that is rewritten where it is a terminal, plain lines at epoch ends where it is not.
/// </summary>
internal sealed class ProgressPrinter : ITrainingCallback
{
    private readonly bool _live = !Console.IsErrorRedirected;
    private readonly string _name;

    public ProgressPrinter(FreezeRun run, string name = "")
    {
        _name = name;
        run.Freezing.Changed += change => Print(string.Create(
            CultureInfo.InvariantCulture, $"{(change.Frozen ? "froze" : "thawed")} {change.Unit} at step {change.Step} (epoch {change.Epoch:0.00}): {change.Reason}"));
    }

    public void Logged(TrainingContext context)
    {
        if (_live && context.LastReport is { } r)
        {
            Console.Error.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\r\u001b[2K{_name}epoch {r.Epoch:0.0}/{context.Epochs}  loss {r.Loss:0.000}  accuracy {100 * r.Accuracy:0.0} %  {r.ExamplesPerSecond:0} images/s  frozen {r.FrozenUnits}/{r.Units}  {TimeSpan.FromSeconds(r.SecondsLeft):m\\:ss} left"));
        }
    }

    public void EpochEnded(TrainingContext context)
    {
        var e = context.History[^1];
        string test = e.Test is { } t ? string.Create(CultureInfo.InvariantCulture, $"  test accuracy {100 * t.Accuracy:0.00} %") : "";
        Print(string.Create(
            CultureInfo.InvariantCulture,
            $"{_name}epoch {e.Epoch}/{context.Epochs}  loss {e.TrainLoss:0.0000}  train accuracy {100 * e.TrainAccuracy:0.00} %{test}  frozen {context.FrozenUnits}/{context.Model.Units.Count}  {e.TrainSeconds:0.0} s, {context.SecondsLeft:0} s left"));
    }

    private void Print(string line) => Console.Error.WriteLine(_live ? "\r\u001b[2K" + line : line);
}
