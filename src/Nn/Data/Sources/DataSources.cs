using System.Reflection;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Finds data sets by name: every <see cref="IDataSource"/> of the given assemblies.</summary>
public static class DataSources
{
    /// <summary>The sources of this library, and of other assemblies that bring their own.</summary>
    public static IReadOnlyDictionary<string, IDataSource> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IDataSource>(s => [s.Name], others.Prepend(typeof(DataSources).Assembly));

    /// <summary>Opens images by the name of their source.</summary>
    /// <exception cref="OptionException">There is no such source, it has no images, or an option does not fit.</exception>
    /// <exception cref="DataFormatException">The data are missing or damaged.</exception>
    public static ImageSplits OpenImages(string name, DataOptions request, params IEnumerable<Assembly> others) =>
        Find(name, others).Open(request) as ImageSplits ?? throw new OptionException($"data '{name}' are no images");

    /// <summary>A source by name.</summary>
    /// <exception cref="OptionException">There is none; the message lists them and says what was meant.</exception>
    public static IDataSource Find(string name, params IEnumerable<Assembly> others) => OptionBinder.Find("data", name, All(others));
}
