using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Lays a kernel's argument struct out as the PTX expects it: fields in their order, each at a multiple of its own size, a view as its
/// address and its length.
/// </summary>
internal sealed class PtxArguments(Func<nint, long, ulong> map)
{
    private static readonly MethodInfo ViewMethod =
        typeof(PtxArguments).GetMethod(nameof(View), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private readonly List<byte> _bytes = [];

    /// <summary>The bytes of a struct; the map turns a view's host address and length into what the kernel sees.</summary>
    public static byte[] Of(object arguments, Func<nint, long, ulong> map)
    {
        var layout = new PtxArguments(map);
        layout.Add(arguments);
        return [.. layout._bytes];
    }

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static FieldInfo[] Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static int AlignmentOf(Type type)
    {
        if (IsView(type))
        {
            return 8;
        }

        if (type.IsEnum)
        {
            return AlignmentOf(Enum.GetUnderlyingType(type));
        }

        return type.IsPrimitive ? SizeOf(type) : Fields(type).Select(f => AlignmentOf(f.FieldType)).Append(1).Max();
    }

    private static int SizeOf(Type primitive) => primitive == typeof(bool) ? 1 : Marshal.SizeOf(primitive);

    private void Align(int to)
    {
        while (_bytes.Count % to != 0)
        {
            _bytes.Add(0);
        }
    }

    private void Add(object value)
    {
        var type = value.GetType();
        Align(AlignmentOf(type));
        if (IsView(type))
        {
            ViewMethod.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [value]);
        }
        else if (type.IsEnum)
        {
            Add(Convert.ChangeType(value, Enum.GetUnderlyingType(type), System.Globalization.CultureInfo.InvariantCulture));
        }
        else if (type.IsPrimitive)
        {
            var bytes = new byte[SizeOf(type)];
            if (value is bool flag)
            {
                bytes[0] = flag ? (byte)1 : (byte)0;
            }
            else
            {
                var handle = GCHandle.Alloc(value, GCHandleType.Pinned);
                Marshal.Copy(handle.AddrOfPinnedObject(), bytes, 0, bytes.Length);
                handle.Free();
            }

            _bytes.AddRange(bytes);
        }
        else
        {
            var fields = Fields(type);
            foreach (var field in fields)
            {
                Add(field.GetValue(value)!);
            }

            // A struct without fields still takes a byte.
            if (fields.Length == 0)
            {
                _bytes.Add(0);
            }

            Align(AlignmentOf(type));
        }
    }

    private void View<T>(ArrayView<T> view)
        where T : unmanaged
    {
        ulong address = view.IsValid ? map(ILGPU.Runtime.ArrayViewExtensions.LoadEffectiveAddressAsPtr(view), view.LengthInBytes) : 0;
        Add(address);
        Add(view.IsValid ? view.Length : 0L);
    }
}
