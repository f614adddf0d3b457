namespace SmartFrz.Cli;

/// <summary>The data that travel inside the tool.</summary>
internal static class EmbeddedData
{
    /// <summary>Opens a file by a name such as <c>fashion-mnist/train-images-idx3-ubyte.gz</c>, or answers null.</summary>
    public static Stream? Open(string name) => typeof(EmbeddedData).Assembly.GetManifestResourceStream("data/" + name);
}
