using System.Globalization;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>The freezing given by hand.</summary>
public sealed record SchedulePolicyOptions
{
    /// <summary>
    /// What freezes when, as <c>PATTERN@TIME</c>: the pattern is a unit's name, the beginning of one in whole segments
    /// (<c>layer1</c>), or one with <c>*</c>; the time is a step (<c>@120</c>), an epoch (<c>@2e</c>) or a share of the run
    /// (<c>@30%</c>).
    /// </summary>
    /// <value>Default: nothing.</value>
    public IReadOnlyList<string> Schedule { get; init; } = [];
}

/// <summary>Freezes given units at given times; in prefix mode a unit whose time has come waits for those before it.</summary>
public sealed class SchedulePolicy : FreezePolicy
{
    private readonly IReadOnlyList<Entry> _entries;
    private long _next;

    /// <summary>A policy with that schedule.</summary>
    /// <exception cref="OptionException">An entry cannot be read.</exception>
    public SchedulePolicy(SchedulePolicyOptions options) => _entries = [.. options.Schedule.Select(Parse)];

    /// <inheritdoc/>
    public override string Name => "schedule";

    /// <inheritdoc/>
    public override void Start(FreezeContext context)
    {
        foreach (var entry in _entries)
        {
            if (!context.Units.Any(u => entry.Matches(u.Name)))
            {
                throw new OptionException($"schedule entry '{entry.Text}' matches no unit; the units are {string.Join(", ", context.Units.Select(u => u.Name))}");
            }
        }
    }

    /// <inheritdoc/>
    public override FreezeDecision Decide(FreezeContext context)
    {
        var training = context.Training;
        if (training.Step < _next)
        {
            return FreezeDecision.None;
        }

        var due = _entries.Where(e => e.StepIn(training) <= training.Step).ToList();
        // What waits in prefix mode can only go on when something else becomes due.
        _next = _entries.Select(e => e.StepIn(training)).Where(s => s > training.Step).DefaultIfEmpty(long.MaxValue).Min();
        return FreezeDecision.ToFreeze(
            from unit in context.Active
            let entry = due.Find(e => e.Matches(unit.Name))
            where entry is not null
            select new UnitDecision(unit.Name, null, $"schedule {entry.Text}"));
    }

    private static Entry Parse(string text)
    {
        int at = text.LastIndexOf('@');
        string time = at < 0 ? "" : text[(at + 1)..];
        char unit = time.Length > 0 && time[^1] is 'e' or '%' ? time[^1] : 's';
        string number = unit == 's' ? time : time[..^1];
        if (at <= 0 || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !(value >= 0 && double.IsFinite(value)))
        {
            throw new OptionException($"schedule entry '{text}' is not PATTERN@STEP, PATTERN@EPOCHe or PATTERN@SHARE%");
        }

        return new Entry(text, text[..at], value, unit);
    }

    private sealed record Entry(string Text, string Pattern, double Time, char TimeUnit)
    {
        public bool Matches(string unit) =>
            Pattern.Contains('*', StringComparison.Ordinal)
                ? System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(Pattern, unit, ignoreCase: false)
                : DottedName.IsWithin(unit, Pattern);

        // Decisions follow a step, so what is asked for before the first one comes after it.
        public long StepIn(TrainingContext training) => Math.Max(1, (long)Math.Round(TimeUnit switch
        {
            'e' => Time * training.StepsPerEpoch,
            '%' => Time / 100 * training.TotalSteps,
            _ => Time,
        }));
    }
}

/// <summary>Makes <see cref="SchedulePolicy"/>.</summary>
public sealed class SchedulePolicyFactory : FreezePolicyFactory<SchedulePolicyOptions>
{
    /// <inheritdoc/>
    public override string Name => "schedule";

    /// <inheritdoc/>
    public override string Description => "given by hand: units @ step, epoch or share of the run";

    /// <inheritdoc/>
    protected override FreezePolicy Create(SchedulePolicyOptions options) => new SchedulePolicy(options);
}
