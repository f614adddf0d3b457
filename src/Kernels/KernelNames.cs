using System.Reflection;

namespace SmartFrz.Kernels;

/// <summary>The kernels of this library by the names that ledgers show.</summary>
public static class KernelNames
{
    /// <summary>
    /// Every kernel, in ordinal order. One that applies an operator goes by the operator's name: it is listed once for every operator that
    /// fits it.
    /// </summary>
    public static IReadOnlyList<string> All()
    {
        var structs = typeof(IKernel).Assembly.GetTypes().Where(t => t is { IsValueType: true, IsEnum: false, IsByRefLike: false }).ToArray();
        var plain = structs.Where(t => !t.IsGenericTypeDefinition).ToArray();
        return
        [
            .. structs.Where(t => t.IsAssignableTo(typeof(IKernel)))
                .SelectMany(t => Close(t, plain))
                .Select(t => (string)t.GetProperty(nameof(IKernel.Name), BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!)
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    // A generic kernel with every combination of structs that its constraints admit.
    private static IEnumerable<Type> Close(Type kernel, Type[] structs)
    {
        if (!kernel.IsGenericTypeDefinition)
        {
            return [kernel];
        }

        IEnumerable<Type[]> combinations = [[]];
        foreach (var parameter in kernel.GetGenericArguments())
        {
            var interfaces = parameter.GetGenericParameterConstraints().Where(c => c.IsInterface).ToArray();
            var fitting = structs.Where(s => interfaces.Length > 0 && interfaces.All(i => i.IsAssignableFrom(s))).ToArray();
            combinations = [.. combinations.SelectMany(before => fitting.Select(s => (Type[])[.. before, s]))];
        }

        return combinations.Select(c => kernel.MakeGenericType(c));
    }
}
