using System.Diagnostics;
using SmartFrz.Freeze;
using SmartFrz.Nn;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary>Progress as a picture of the run on a terminal, redrawn twice a second.</summary>
internal sealed class LiveProgress(IAnsiConsole console) : IProgressDisplay
{
    // Drawing takes a millisecond or two of the training time: less than one part in two hundred of it.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private LiveDisplayContext? _live;

    public void Watch(FreezeRun run, string name) => run.Trainer.Add(new Painter(this, run, new RunView(run, name)));

    public T While<T>(Func<T> work)
    {
        T result = default!;
        console.Live(new Text("")).Overflow(VerticalOverflow.Crop).Start(live =>
        {
            _live = live;
            result = work();
        });
        _live = null;
        return result;
    }

    private int Room => console.Profile.Height;

    private sealed class Painter : ITrainingCallback
    {
        private readonly LiveProgress _display;
        private readonly RunView _view;
        private long _painted, _reported = Stopwatch.GetTimestamp();

        public Painter(LiveProgress display, FreezeRun run, RunView view)
        {
            (_display, _view) = (display, view);
            run.Freezing.Changed += _ => Paint();
        }

        public void RunStarting(TrainingContext context) => Paint();

        public void StepEnded(TrainingContext context)
        {
            if (Stopwatch.GetElapsedTime(_painted) >= Interval)
            {
                Paint();
            }
        }

        public void Logged(TrainingContext context) => _reported = Stopwatch.GetTimestamp();

        public void EpochEnded(TrainingContext context) => Paint();

        public void RunEnded(TrainingContext context) => Paint();

        private void Paint()
        {
            _display._live?.UpdateTarget(_view.Render(_display.Room, Stopwatch.GetElapsedTime(_reported)));
            _painted = Stopwatch.GetTimestamp();
        }
    }
}
