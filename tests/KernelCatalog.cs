using System.Reflection;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>A CUDA kernel as it can be compiled: a generic one with its type arguments.</summary>
/// <param name="Name">Class, method and type arguments.</param>
/// <param name="Method">The closed method.</param>
/// <param name="MaxGroup">The largest group it is launched with.</param>
internal sealed record CatalogKernel(string Name, MethodInfo Method, int MaxGroup);

/// <summary>Finds every method marked [CudaKernel]; a generic one once for every combination of structs that its constraints admit.</summary>
internal static class KernelCatalog
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The kernels of the library.</summary>
    public static IReadOnlyList<CatalogKernel> All { get; } = Of(typeof(CudaDevice).Assembly);

    /// <summary>The kernels of an assembly, by name.</summary>
    public static IReadOnlyList<CatalogKernel> Of(Assembly assembly)
    {
        var types = assembly.GetTypes();
        var structs = types.Where(t => t is { IsValueType: true, IsEnum: false, IsGenericTypeDefinition: false, IsByRefLike: false }).ToArray();
        return
        [
            .. types.SelectMany(t => t.GetMethods(Any))
                .Where(m => m.GetCustomAttribute<CudaKernelAttribute>() is not null)
                .SelectMany(m => Close(m, structs))
                .Select(m => new CatalogKernel(NameOf(m), m, m.GetCustomAttribute<CudaKernelAttribute>()!.MaxGroup))
                .OrderBy(k => k.Name, StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<MethodInfo> Close(MethodInfo method, Type[] structs)
    {
        if (method.DeclaringType!.IsGenericTypeDefinition)
        {
            throw new NotSupportedException($"{NameOf(method)}: put the type parameters of a kernel on the method, not on its class");
        }

        if (!method.IsGenericMethodDefinition)
        {
            return [method];
        }

        IEnumerable<Type[]> combinations = [[]];
        foreach (var parameter in method.GetGenericArguments())
        {
            var fitting = structs.Where(s => Fits(parameter, s)).ToArray();
            if (fitting.Length == 0)
            {
                throw new NotSupportedException($"{NameOf(method)}: no struct fits type parameter {parameter.Name}, so the kernel cannot be checked");
            }

            combinations = [.. combinations.SelectMany(before => fitting.Select(s => (Type[])[.. before, s]))];
        }

        return combinations.Select(c => method.MakeGenericMethod(c));
    }

    // A parameter must be bound by an interface, else it would fit every struct there is.
    private static bool Fits(Type parameter, Type candidate)
    {
        var interfaces = parameter.GetGenericParameterConstraints().Where(c => c.IsInterface).ToArray();
        return interfaces.Length > 0 && interfaces.All(i => i.IsAssignableFrom(candidate));
    }

    /// <summary>A kernel by name without its type arguments, and each of those; tiles are not told apart.</summary>
    public static IEnumerable<string> Parts(MethodInfo kernel)
    {
        var operators = kernel.IsGenericMethod ? kernel.GetGenericArguments().Where(a => !typeof(ITileShape).IsAssignableFrom(a)) : [];
        return operators.Select(o => o.Name).Prepend($"{kernel.DeclaringType!.Name}.{kernel.Name}");
    }

    private static string NameOf(MethodInfo method)
    {
        string arguments = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
        return $"{method.DeclaringType!.Name}.{method.Name}{arguments}";
    }
}
