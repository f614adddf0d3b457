using System.Globalization;
using System.Text;

namespace SmartFrz.Freeze;

/// <summary>When each unit was trained and when it was frozen, as SVG: a row for each unit, from the input on.</summary>
internal static class FreezeTimeline
{
    public const string Trained = "#e9a63f", Frozen = "#4a86c5";

    private const int Row = 20;

    // Names longer than that do not fit before the axis.
    private const int LongestName = 15;

    /// <summary>The drawing.</summary>
    /// <param name="units">Names of the units in forward order.</param>
    /// <param name="events">What was frozen and thawed, in order.</param>
    /// <param name="end">Epochs that were trained.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    public static string Draw(IReadOnlyList<string> units, IReadOnlyList<FreezeEvent> events, double end, double epochs)
    {
        var axes = new SvgAxes((units.Count * Row) + SvgAxes.Top + SvgAxes.Bottom, (0, epochs), (0, units.Count));
        var content = new StringBuilder();
        for (int u = 0; u < units.Count; u++)
        {
            double top = SvgAxes.Top + (u * Row) + 2;
            content.Append(CultureInfo.InvariantCulture, $"<text x=\"{SvgAxes.Left - 8}\" y=\"{top + 12:0.#}\" text-anchor=\"end\">{HtmlPage.Escape(Short(units[u]))}</text>\n");
            foreach (var (from, to, frozen, reason) in Spans(events.Where(e => e.Unit == units[u]), end))
            {
                content.Append(CultureInfo.InvariantCulture, $"<rect x=\"{axes.X(from):0.#}\" y=\"{top:0.#}\" width=\"{axes.X(to) - axes.X(from):0.#}\" height=\"{Row - 4}\" fill=\"{(frozen ? Frozen : Trained)}\">");
                content.Append(CultureInfo.InvariantCulture, $"<title>{HtmlPage.Escape(units[u])}: {(frozen ? "frozen" : "trained")} from epoch {from:0.##} to {to:0.##}{HtmlPage.Escape(reason)}</title></rect>\n");
            }
        }

        return axes.Draw("when each unit was trained and when it was frozen", "epoch", null, content.ToString());
    }

    private static IEnumerable<(double From, double To, bool Frozen, string Reason)> Spans(IEnumerable<FreezeEvent> events, double end)
    {
        var (from, frozen, reason) = (0.0, false, "");
        foreach (var change in events)
        {
            yield return (from, change.Epoch, frozen, reason);
            (from, frozen, reason) = (change.Epoch, change.Frozen, ": " + change.Reason);
        }

        yield return (from, end, frozen, reason);
    }

    private static string Short(string name) => name.Length <= LongestName ? name : "…" + name[^(LongestName - 1)..];
}
