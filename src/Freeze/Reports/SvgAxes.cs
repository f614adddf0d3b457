using System.Globalization;
using System.Text;

namespace SmartFrz.Freeze;

/// <summary>
/// The frame of a drawing: where values lie, with lines and numbers at round ones. All drawings of a page have the same width and
/// margins, so that times lie one below the other.
/// </summary>
internal sealed class SvgAxes
{
    public const int Width = 760, Left = 110, Right = 15, Top = 10, Bottom = 42;

    private static readonly double[] RoundSteps = [1, 2, 5, 10];

    private readonly double _fromX, _toX, _fromY, _toY;
    private readonly int _height;

    /// <summary>Axes from the least to the greatest value each; equal ones are moved apart.</summary>
    public SvgAxes(int height, (double From, double To) x, (double From, double To) y)
    {
        _height = height;
        (_fromX, _toX) = Apart(x);
        (_fromY, _toY) = Apart(y);
    }

    public double X(double value) => Left + ((value - _fromX) / (_toX - _fromX) * (Width - Left - Right));

    public double Y(double value) => Top + ((_toY - value) / (_toY - _fromY) * (_height - Top - Bottom));

    /// <summary>A whole drawing.</summary>
    /// <param name="title">What it shows, for those who do not see it.</param>
    /// <param name="labelX">The name of the horizontal axis.</param>
    /// <param name="labelY">The name of the vertical axis; null draws none.</param>
    /// <param name="content">What is drawn on the axes, as SVG.</param>
    public string Draw(string title, string labelX, string? labelY, string content)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {_height}\" width=\"{Width}\" height=\"{_height}\" role=\"img\" aria-label=\"{HtmlPage.Escape(title)}\">\n");
        foreach (double x in Ticks(_fromX, _toX, 10))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(x):0.#}\" x2=\"{X(x):0.#}\" y1=\"{Top}\" y2=\"{_height - Bottom}\" stroke=\"#e6e6e6\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(x):0.#}\" y=\"{_height - Bottom + 16}\" text-anchor=\"middle\">{x:0.######}</text>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Width + Left - Right) / 2}\" y=\"{_height - 6}\" text-anchor=\"middle\">{HtmlPage.Escape(labelX)}</text>\n");
        if (labelY is not null)
        {
            foreach (double y in Ticks(_fromY, _toY, 6))
            {
                svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(y):0.#}\" y2=\"{Y(y):0.#}\" stroke=\"#e6e6e6\"/>");
                svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{Y(y) + 4:0.#}\" text-anchor=\"end\">{y:0.######}</text>\n");
            }

            svg.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate(20 {_height / 2}) rotate(-90)\" text-anchor=\"middle\">{HtmlPage.Escape(labelY)}</text>\n");
        }

        return svg.Append(content).Append("</svg>").ToString();
    }

    /// <summary>Round values between two, about as many as wanted.</summary>
    internal static IEnumerable<double> Ticks(double from, double to, int wanted)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10((to - from) / wanted)));
        double step = RoundSteps.Select(m => m * power).First(s => (to - from) / s <= wanted);
        // A tick at the very end must not be lost to rounding.
        for (double tick = Math.Ceiling((from / step) - 1e-9); tick * step <= to + (1e-9 * step); tick++)
        {
            // Added to nothing, -0 becomes 0.
            yield return (tick * step) + 0.0;
        }
    }

    private static (double From, double To) Apart((double From, double To) range) =>
        double.IsFinite(range.From) && double.IsFinite(range.To)
            ? range.To > range.From ? range : (range.From - 0.5, range.From + 0.5)
            : (0, 1);
}
