namespace SmartFrz.Nn.Data;

/// <summary>A labelled text, or pair of texts.</summary>
/// <param name="Text">The text.</param>
/// <param name="Pair">The second text, or null.</param>
/// <param name="Label">Its class, from 0.</param>
public readonly record struct TextExample(string Text, string? Pair, int Label);
