using System.Globalization;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>How the files of a text task are laid out: columns between tabs, quotes are characters like others.</summary>
/// <param name="Names">What messages call the columns of a file without a header.</param>
/// <param name="Text">The column of the text, by its names in headers; the first one is that of a file without a header.</param>
/// <param name="Pair">The column of the second text; none where texts stand alone.</param>
/// <param name="Label">The column of the label.</param>
internal sealed record TsvColumns(string[] Names, string[] Text, string[] Pair, string[] Label)
{
    // Far above both corpora.
    private const long LargestFile = 1L << 30;

    /// <summary>Reads a file: with a header its columns are found by name, without one by place.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <remarks>Memory: below 32 times the file.</remarks>
    /// <exception cref="DataFormatException">A line has too few or too many columns, a label is neither 0 nor 1, or there are no lines.</exception>
    public List<TextExample> Read(Stream stream, string name)
    {
        var examples = new List<TextExample>();
        (int Text, int Pair, int Label, int Count)? places = null;
        foreach (var (number, line) in TextLines.Read(stream, name, LargestFile))
        {
            if (line.Length == 0)
            {
                continue;
            }

            string[] fields = line.Split('\t');
            if (places is null)
            {
                places = HeaderPlaces(fields, name);
                if (places is not null)
                {
                    continue;
                }

                places = (Array.IndexOf(Names, Text[0]), Pair.Length == 0 ? -1 : Array.IndexOf(Names, Pair[0]), Array.IndexOf(Names, Label[0]), Names.Length);
            }

            examples.Add(Example(fields, places.Value, name, number));
        }

        return examples.Count > 0 ? examples : throw new DataFormatException($"{name}: no lines with {string.Join(", ", Names)}");
    }

    private static TextExample Example(string[] fields, (int Text, int Pair, int Label, int Count) places, string name, int number)
    {
        if (fields.Length != places.Count)
        {
            throw new DataFormatException(string.Create(
                CultureInfo.InvariantCulture, $"{name}: line {number} has {fields.Length} columns, {places.Count} are expected: columns are parted by tabs, and quotes do not join them"));
        }

        int label = fields[places.Label] switch
        {
            "0" => 0,
            "1" => 1,
            var other => throw new DataFormatException(string.Create(CultureInfo.InvariantCulture, $"{name}: line {number} has the label '{MessageText.Printable(other)}', 0 or 1 is expected")),
        };
        return new TextExample(fields[places.Text], places.Pair < 0 ? null : fields[places.Pair], label);
    }

    // The places of the columns if a line is a header, else null.
    private (int Text, int Pair, int Label, int Count)? HeaderPlaces(string[] fields, string name)
    {
        int text = Place(fields, Text), pair = Place(fields, Pair), label = Place(fields, Label);
        if (text < 0 && pair < 0 && label < 0)
        {
            return null;
        }

        string? missing = text < 0 ? Text[0] : pair < 0 && Pair.Length > 0 ? Pair[0] : label < 0 ? Label[0] : null;
        return missing is null
            ? (text, pair, label, fields.Length)
            : throw new DataFormatException($"{name}: the header has no column {missing}{(missing == Label[0] ? ": this is a file without labels" : "")}");
    }

    private static int Place(string[] fields, string[] names) =>
        Array.FindIndex(fields, f => names.Contains(f.Trim(), StringComparer.OrdinalIgnoreCase));
}
