using System.Diagnostics;
using System.Globalization;
using SmartFrz.Freeze;
using SmartFrz.Nn;

namespace SmartFrz.Cli;

/// <summary>Progress as plain lines: at epoch ends, when something freezes, and in between at most once in an interval.</summary>
internal sealed class LineProgress(TextWriter output, TimeSpan interval) : IProgressDisplay
{
    public void Watch(FreezeRun run, string name) => run.Trainer.Add(new Lines(run, name, output, interval));

    public T While<T>(Func<T> work) => work();

    private sealed class Lines : ITrainingCallback
    {
        private readonly string _prefix;
        private readonly TextWriter _output;
        private readonly TimeSpan _interval;
        private long _last = Stopwatch.GetTimestamp();

        public Lines(FreezeRun run, string name, TextWriter output, TimeSpan interval)
        {
            (_prefix, _output, _interval) = (name.Length == 0 ? "" : name + ": ", output, interval);
            run.Freezing.Changed += e => Print(Text(
                $"{(e.Frozen ? "froze" : "thawed")} {e.Unit} at step {e.Step} (epoch {e.Epoch:0.00}): {e.Reason}"));
        }

        public void Logged(TrainingContext context)
        {
            // The last line of an epoch is the epoch's own.
            if (context.Step % context.StepsPerEpoch != 0 && Stopwatch.GetElapsedTime(_last) >= _interval && context.LastReport is { } r)
            {
                Print(Text(
                    $"epoch {r.Epoch:0.00}/{context.Epochs}  loss {r.Loss:0.0000}  train accuracy {100 * r.Accuracy:0.00} %  frozen {r.FrozenUnits}/{r.Units}  {r.ExamplesPerSecond:0} images/s, {r.SecondsLeft:0} s left"));
            }
        }

        public void EpochEnded(TrainingContext context)
        {
            var e = context.History[^1];
            string test = e.Test is { } t ? Text($"  test accuracy {100 * t.Accuracy:0.00} %") : "";
            Print(Text(
                $"epoch {e.Epoch}/{context.Epochs}  loss {e.TrainLoss:0.0000}  train accuracy {100 * e.TrainAccuracy:0.00} %{test}  frozen {context.FrozenUnits}/{context.Model.Units.Count}  {e.TrainSeconds:0.0} s, {context.SecondsLeft:0} s left"));
        }

        private void Print(string line)
        {
            _output.WriteLine(_prefix + line);
            _last = Stopwatch.GetTimestamp();
        }

        private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }
}
