using System.Reflection;

namespace SmartFrz.Nn.Options;

/// <summary>Parts that are found by name: a new one is a new class, with nothing to register.</summary>
public static class NamedParts
{
    /// <summary>
    /// Every class of the given assemblies that is a <typeparamref name="T"/> and has a constructor without parameters, by the
    /// names it answers to.
    /// </summary>
    /// <exception cref="InvalidOperationException">Two answer to one name.</exception>
    public static IReadOnlyDictionary<string, T> Of<T>(Func<T, IEnumerable<string>> names, params IEnumerable<Assembly> assemblies)
        where T : class
    {
        var parts = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var type in assemblies.Distinct().SelectMany(a => a.GetTypes()))
        {
            if (!type.IsAssignableTo(typeof(T)) || type is not { IsAbstract: false, IsClass: true, ContainsGenericParameters: false })
            {
                continue;
            }

            var part = (T)Activator.CreateInstance(type)!;
            foreach (string name in names(part))
            {
                if (!parts.TryAdd(name, part))
                {
                    throw new InvalidOperationException($"{type} and {parts[name].GetType()} both answer to '{name}'");
                }
            }
        }

        return parts;
    }
}
