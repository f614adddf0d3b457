namespace SmartFrz.Nn.Options;

/// <summary>Texts of files in messages.</summary>
internal static class MessageText
{
    private const int Most = 80;

    /// <summary>A text of a file, short enough and without what would change a message's look.</summary>
    public static string Printable(string text)
    {
        string start = text.Length > Most ? text[..Most] + "…" : text;
        return string.Concat(start.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '?' : c));
    }
}
