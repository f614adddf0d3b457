using System.Globalization;
using System.Net;
using System.Text;

namespace SmartFrz.Freeze;

/// <summary>Writes a report as one HTML page without outside resources. All text is escaped here.</summary>
internal sealed class HtmlPage
{
    private readonly StringBuilder _page = new();

    public HtmlPage(string title)
    {
        _page.Append(CultureInfo.InvariantCulture, $$"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{Escape(title)}}</title>
            <style>
            body{font-family:sans-serif;margin:2em auto;padding:0 1em;max-width:60em;color:#222}
            table{border-collapse:collapse;margin:1em 0}
            td,th{border:1px solid #ccc;padding:.3em .7em;text-align:right;font-variant-numeric:tabular-nums}
            td:first-child,th:first-child,td.text{text-align:left}
            svg{display:block;max-width:100%;height:auto;margin:.5em 0}
            svg text{font:12px sans-serif;fill:#444}
            .key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
            pre{background:#f4f4f4;padding:1em;overflow:auto}
            </style></head><body>
            <h1>{{Escape(title)}}</h1>

            """);
    }

    /// <summary>A text as HTML.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    public HtmlPage Heading(string text) => Line($"<h2>{Escape(text)}</h2>");

    public HtmlPage Paragraph(string text) => Line($"<p>{Escape(text)}</p>");

    /// <summary>What colours stand for.</summary>
    public HtmlPage Legend(params IEnumerable<(string Colour, string Name)> entries) =>
        Line($"<p>{string.Concat(entries.Select(e => $"<span class=\"key\" style=\"background:{e.Colour}\"></span>{Escape(e.Name)}"))}</p>");

    /// <summary>A table; columns with a star before their name hold text and stand to the left.</summary>
    public HtmlPage Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        bool[] texts = [.. columns.Select(c => c.StartsWith('*'))];
        Line($"<table><tr>{string.Concat(columns.Select(c => $"<th>{Escape(c.TrimStart('*'))}</th>"))}</tr>");
        foreach (var row in rows)
        {
            Line($"<tr>{string.Concat(row.Select((cell, i) => $"<td{(texts[i] ? " class=\"text\"" : "")}>{Escape(cell)}</td>"))}</tr>");
        }

        return Line("</table>");
    }

    /// <summary>A drawing, which is HTML already.</summary>
    public HtmlPage Drawing(string svg) => Line(svg);

    /// <summary>Text that is folded away.</summary>
    public HtmlPage Details(string title, string text) => Line($"<details><summary>{Escape(title)}</summary><pre>{Escape(text)}</pre></details>");

    public override string ToString() => _page + "</body></html>\n";

    private HtmlPage Line(string html)
    {
        _page.Append(html).Append('\n');
        return this;
    }
}
