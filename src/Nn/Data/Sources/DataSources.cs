using System.Reflection;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Finds data sets by name: every <see cref="IDataSource"/> of the given assemblies.</summary>
public static class DataSources
{
    /// <summary>The sources of this library, and of other assemblies that bring their own.</summary>
    public static IReadOnlyDictionary<string, IDataSource> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IDataSource>(s => [s.Name], others.Prepend(typeof(DataSources).Assembly));

    /// <summary>A source by name.</summary>
    /// <exception cref="OptionException">There is none; the message lists them and says what was meant.</exception>
    public static IDataSource Find(string name, params IEnumerable<Assembly> others) => OptionBinder.Find("data", name, All(others));
}
