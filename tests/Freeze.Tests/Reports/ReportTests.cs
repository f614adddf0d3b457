using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using SmartFrz.Nn;

namespace SmartFrz.Freeze.Tests;

public sealed class ReportTests
{
    private static readonly FreezableUnit[] Units = [new("stem", ["conv1"]), new("layer1.0"), new("head", ["linear"], IsHead: true)];

    private static readonly FreezeEvent[] Events =
    [
        new("stem", true, 10, 1, 0.91, "predictor: P(freeze) 0.910 >= 0.87"),
        new("layer1.0", true, 20, 2, null, "<b>by hand</b>"),
        new("layer1.0", false, 30, 3, null, "learning rate raised"),
    ];

    private static readonly RunCurves Curves = new(
        [(0.5, 2.25, 0.25), (1, 2, 0.5), (2, double.NaN, 0.5), (3, 1.5, 0.625), (4, 1.25, 0.75)],
        [(1, 2.125, 0.4), (2, 1.75, 0.5), (3, 1.5, 0.6), (4, 1.375, 0.7)]);

    [Fact]
    public void The_report_of_a_run_stands_alone_and_shows_curves_and_freezing()
    {
        string page = RunReport.Html(Summary("smartfrz", 1, 0.7), Curves, Units, Events, new RunConfig { Train = new TrainConfig { Epochs = 4 } });

        StandsAlone(page);
        Assert.Contains("<title>resnet8 on a &lt;b&gt;: smartfrz</title>", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;by hand&lt;/b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.Contains("<td>test accuracy</td><td class=\"text\">70.00 %</td>", page, StringComparison.Ordinal);
        Assert.Contains("learning rate raised", page, StringComparison.Ordinal);
        Assert.Contains("&quot;log_interval&quot;: 20", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Stopped", page, StringComparison.Ordinal);

        var drawings = Drawings(page);
        Assert.Equal(3, drawings.Count);
        // A point that is no number is left out; its neighbours are joined.
        Assert.Equal([4, 4], Lines(drawings[0]));
        Assert.Equal([5, 4], Lines(drawings[1]));
        Assert.Equal(4, Elements(drawings[0], "circle").Count());
        var (first, last) = (Points(drawings[1])[0], Points(drawings[1])[^1]);
        Assert.True(first.X < last.X && first.Y > last.Y, "accuracy rises to the right");
    }

    [Fact]
    public void The_timeline_has_a_bar_for_each_time_a_unit_was_trained_or_frozen()
    {
        string page = RunReport.Html(Summary("smartfrz", 1, 0.7), Curves, Units, Events, new RunConfig { Train = new TrainConfig { Epochs = 5 } });

        Assert.Contains("Stopped at epoch 4 of 5.", page, StringComparison.Ordinal);
        var timeline = Drawings(page)[2];
        string[] titles = [.. Elements(timeline, "rect").Select(r => r.Value)];
        Assert.Equal(
            [
                "stem: trained from epoch 0 to 1",
                "stem: frozen from epoch 1 to 4: predictor: P(freeze) 0.910 >= 0.87",
                "layer1.0: trained from epoch 0 to 2",
                "layer1.0: frozen from epoch 2 to 3: <b>by hand</b>",
                "layer1.0: trained from epoch 3 to 4: learning rate raised",
                "head: trained from epoch 0 to 4",
            ],
            titles);
        var bars = Elements(timeline, "rect").Select(r => (From: Number(r, "x"), Width: Number(r, "width"), Top: Number(r, "y"))).ToList();
        // Bars of a row touch, and an epoch is as wide everywhere; coordinates are rounded to a tenth.
        double epoch = bars[5].Width / 4;
        Assert.Equal(bars[0].From + bars[0].Width, bars[1].From, 0.11);
        Assert.All(new[] { 1.0, 3, 2, 1, 1, 4 }.Zip(bars), b => Assert.Equal(b.First * epoch, b.Second.Width, 0.11));
        Assert.Equal(3, bars.Select(b => b.Top).Distinct().Count());
    }

    [Fact]
    public void A_run_without_a_step_has_a_report_too()
    {
        var summary = Summary("none", 1, null) with { Epochs = 0, Steps = 0 };

        string page = RunReport.Html(summary, new RunCurves([], []), Units, [], new RunConfig());

        StandsAlone(page);
        Assert.Contains("not evaluated", page, StringComparison.Ordinal);
        Assert.Equal(3, Drawings(page).Count);
    }

    [Fact]
    public void The_report_of_a_comparison_stands_alone_and_has_a_dot_for_each_run()
    {
        RunSummary[] runs = [Summary("none", 1, 0.7), Summary("none", 2, 0.8), Summary("linear", 1, 0.6), Summary("linear", 2, 0.75)];
        ComparisonRow Row(string policy) => new(policy, 2, Estimate.Of([0.7, 0.8]), Estimate.Of([0]), Estimate.Of([1]), Estimate.Of([0.5, 0.75]), Estimate.Of([1]), 0.001);

        string page = ComparisonReport.Html(new ComparisonResult(runs, [Row("none"), Row("linear")]));

        StandsAlone(page);
        Assert.Contains("<td>75.00 % (11.47 to 138.53)</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>0.10 %</td>", page, StringComparison.Ordinal);
        var chart = Assert.Single(Drawings(page));
        Assert.Equal(["none: 50, 70", "none: 50, 80", "linear: 50, 60", "linear: 50, 75"], Elements(chart, "circle").Select(c => c.Value));
        Assert.Empty(Lines(chart));
    }

    [Fact]
    public void Long_curves_are_thinned()
    {
        var curve = Enumerable.Range(0, 5000).Select(i => ((double)i, Math.Sin(i * 0.01))).ToList();

        string svg = SvgChart.Draw("a", "b", "c", [new("d", "#000", curve)]);

        Assert.InRange(Assert.Single(Lines(XElement.Parse(svg))), 400, 800);
    }

    [Theory]
    [InlineData(0, 5, 10, "0 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5")]
    [InlineData(0, 100, 6, "0 20 40 60 80 100")]
    [InlineData(-0.02, 0.03, 6, "-0.02 -0.01 0 0.01 0.02 0.03")]
    [InlineData(0.71, 0.74, 6, "0.71 0.72 0.73 0.74")]
    [InlineData(1e6, 3e6, 4, "1000000 1500000 2000000 2500000 3000000")]
    public void Ticks_are_round(double from, double to, int wanted, string ticks) =>
        Assert.Equal(ticks, string.Join(' ', SvgAxes.Ticks(from, to, wanted).Select(t => t.ToString("0.######", CultureInfo.InvariantCulture))));

    [Fact]
    public void Curves_are_read_from_metrics()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["metrics.jsonl"], """
            {"kind":"steps","step":5,"epoch":0.5,"loss":2.25,"accuracy":0.25,"learning_rate":0.1,"examples_per_second":10,"frozen_units":0}
            {"kind":"steps","step":10,"epoch":1,"loss":"NaN","accuracy":0.5,"learning_rate":0.1,"examples_per_second":10,"frozen_units":0}
            {"kind":"epoch","epoch":1,"step":10,"train_loss":2.1,"train_accuracy":0.4,"learning_rate":0.1,"frozen_units":0,"train_seconds":1}
            {"kind":"epoch","epoch":2,"step":20,"train_loss":2.1,"train_accuracy":0.4,"learning_rate":0.1,"frozen_units":0,"train_seconds":1,"test_accuracy":0.5,"test_loss":2}

            """.TrimEnd(' '));

        var curves = RunCurves.Read(folder["metrics.jsonl"]);

        Assert.Equal([(0.5, 2.25, 0.25), (1, double.NaN, 0.5)], curves.Steps);
        Assert.Equal([(2, 2, 0.5)], curves.Tests);
    }

    private static void StandsAlone(string page)
    {
        Assert.StartsWith("<!DOCTYPE html>", page, StringComparison.Ordinal);
        Assert.EndsWith("</body></html>\n", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?i)https?:|src=|href=|url\\(|@import|<script|<link", page);
    }

    private static List<XElement> Drawings(string page) =>
        [.. Regex.Matches(page, "<svg.*?</svg>", RegexOptions.Singleline).Select(m => XElement.Parse(m.Value))];

    private static IEnumerable<XElement> Elements(XElement svg, string name) => svg.Descendants(name);

    private static IEnumerable<int> Lines(XElement svg) => Elements(svg, "polyline").Select(l => l.Attribute("points")!.Value.Split(' ').Length);

    private static List<(double X, double Y)> Points(XElement svg) =>
        [.. Elements(svg, "polyline").First().Attribute("points")!.Value.Split(' ').Select(p => p.Split(',').Select(Parse).ToArray()).Select(p => (p[0], p[1]))];

    private static double Number(XElement element, string attribute) => Parse(element.Attribute(attribute)!.Value);

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static RunSummary Summary(string policy, ulong seed, double? accuracy) => new()
    {
        Model = "resnet8",
        Data = "a <b>",
        Policy = policy,
        Seed = seed,
        Precision = "fp32",
        Device = new DeviceSummary("cpu", "a processor", 2),
        Epochs = 4,
        Steps = 40,
        TestAccuracy = accuracy,
        WallSeconds = 3,
        TrainSeconds = 2,
        Seconds = new PhaseSeconds(1, 2, 3, 4, 5, 6),
        Flops = new PhaseFlops(1, 2, 3, 4, 5, 50, 100),
        Launches = new PhaseLaunches(1, 2, 3, 4, 5),
        Memory = new MemorySummary(7, 6, 5, 4, 3, 2, 1),
        Frozen = [],
    };
}
