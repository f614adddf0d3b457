using System.Globalization;
using System.Text;

namespace SmartFrz.Bench.Reports;

/// <summary>A kernel on the roofline: how much it computes for each byte it must move, and how fast it does.</summary>
internal sealed record RooflinePoint(string Name, double FlopsPerByte, double Gflops);

/// <summary>
/// A roofline plot: both axes logarithmic; the roof is what the machine was measured to compute and to copy. Source: S. Williams,
/// A. Waterman, D. Patterson, "Roofline" (CACM 52, 2009).
/// </summary>
internal static class Roofline
{
    private const int Width = 760, Height = 420, Left = 60, Right = 15, Top = 15, Bottom = 45;

    /// <summary>The drawing.</summary>
    /// <param name="points">The kernels.</param>
    /// <param name="peakGflops">The most that was computed in a second.</param>
    /// <param name="copyGbs">The most that was moved in a second.</param>
    public static string Draw(IReadOnlyList<RooflinePoint> points, double peakGflops, double copyGbs)
    {
        var (fromX, toX) = Decades(points.Select(p => p.FlopsPerByte));
        var (fromY, toY) = Decades(points.Select(p => p.Gflops).Append(peakGflops));
        double X(double v) => Left + ((Math.Log10(v) - fromX) / (toX - fromX) * (Width - Left - Right));
        double Y(double v) => Height - Bottom - ((Math.Log10(v) - fromY) / (toY - fromY) * (Height - Top - Bottom));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>\n");
        for (int d = fromX; d <= toX; d++)
        {
            double x = X(Math.Pow(10, d));
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x:0.#}\" x2=\"{x:0.#}\" y1=\"{Top}\" y2=\"{Height - Bottom}\" stroke=\"#ddd\"/><text x=\"{x:0.#}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{Math.Pow(10, d):0.###}</text>\n");
        }

        for (int d = fromY; d <= toY; d++)
        {
            double y = Y(Math.Pow(10, d));
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\" stroke=\"#ddd\"/><text x=\"{Left - 6}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{Math.Pow(10, d):0.###}</text>\n");
        }

        // The slope meets the top where both limits are equal.
        double low = Math.Pow(10, fromX), high = Math.Pow(10, toX), ridge = peakGflops / copyGbs, least = Math.Pow(10, fromY);
        double start = Math.Max(low, least / copyGbs);
        svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"#b00\" stroke-width=\"1.5\" points=\"{X(start):0.#},{Y(start * copyGbs):0.#} {X(Math.Clamp(ridge, low, high)):0.#},{Y(peakGflops):0.#} {X(high):0.#},{Y(peakGflops):0.#}\"/>\n");
        foreach (var p in points)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(p.FlopsPerByte):0.#}\" cy=\"{Y(p.Gflops):0.#}\" r=\"3\" fill=\"#06c\" fill-opacity=\"0.6\"><title>{System.Net.WebUtility.HtmlEncode(p.Name)}: {p.Gflops:0.0} GFLOP/s at {p.FlopsPerByte:0.0} FLOP/byte</title></circle>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Width + Left) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">FLOP per byte that must move</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate(14 {Height / 2}) rotate(-90)\" text-anchor=\"middle\">GFLOP/s</text>\n");
        return svg.Append("</svg>\n").ToString();
    }

    private static (int From, int To) Decades(IEnumerable<double> values)
    {
        var logs = values.Where(v => v > 0).Select(Math.Log10).DefaultIfEmpty(0).ToList();
        int from = (int)Math.Floor(logs.Min()), to = (int)Math.Ceiling(logs.Max());
        return (from, Math.Max(to, from + 1));
    }
}
