using System.Globalization;
using System.Text;

namespace SmartFrz.Freeze;

/// <summary>A row of points under one name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Colour">Its colour.</param>
/// <param name="Points">The points; those that are no finite numbers are left out.</param>
/// <param name="Joined">Whether a line goes through them.</param>
/// <param name="Marked">Whether each has a dot.</param>
internal sealed record ChartSeries(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points, bool Joined = true, bool Marked = false);

/// <summary>Curves and clouds of points as SVG.</summary>
internal static class SvgChart
{
    // More points than that cannot be told apart in the width of a page.
    private const int MostPoints = 800;

    /// <summary>Colours that differ for most eyes, the colour-blind included.</summary>
    /// <remarks>Source: Okabe and Ito, "Color Universal Design" (2008).</remarks>
    public static IReadOnlyList<string> Colours { get; } = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

    /// <summary>The drawing.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="labelX">The name of the horizontal axis.</param>
    /// <param name="labelY">The name of the vertical axis.</param>
    /// <param name="series">What is drawn.</param>
    /// <param name="rangeX">From where to where the horizontal axis goes; null for the points' own range.</param>
    public static string Draw(string title, string labelX, string labelY, IReadOnlyList<ChartSeries> series, (double From, double To)? rangeX = null)
    {
        var finite = series.Select(s => s with { Points = Thin([.. s.Points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y))]) }).ToList();
        var all = finite.SelectMany(s => s.Points).ToList();
        var axes = new SvgAxes(260, rangeX ?? Range(all.Select(p => p.X)), Range(all.Select(p => p.Y)));
        var content = new StringBuilder();
        foreach (var one in finite)
        {
            if (one.Joined && one.Points.Count > 1)
            {
                string points = string.Join(' ', one.Points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{axes.X(p.X):0.#},{axes.Y(p.Y):0.#}")));
                content.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{points}\" fill=\"none\" stroke=\"{one.Colour}\" stroke-width=\"1.5\"><title>{HtmlPage.Escape(one.Name)}</title></polyline>\n");
            }

            foreach (var (x, y) in one.Marked || one.Points.Count == 1 ? one.Points : [])
            {
                content.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{axes.X(x):0.#}\" cy=\"{axes.Y(y):0.#}\" r=\"3.5\" fill=\"{one.Colour}\"><title>{HtmlPage.Escape(one.Name)}: {x:0.####}, {y:0.####}</title></circle>\n");
            }
        }

        return axes.Draw(title, labelX, labelY, content.ToString());
    }

    // A little wider than the points, so that dots on the rim are whole.
    private static (double From, double To) Range(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length == 0)
        {
            return (0, 1);
        }

        double margin = 0.04 * (all.Max() - all.Min());
        return (all.Min() - margin, all.Max() + margin);
    }

    // Means of neighbours.
    private static List<(double X, double Y)> Thin(List<(double X, double Y)> points) =>
        points.Count <= MostPoints
            ? points
            : [.. points.Chunk((points.Count + MostPoints - 1) / MostPoints).Select(c => (c.Average(p => p.X), c.Average(p => p.Y)))];
}
