using System.Text;

namespace SmartFrz.Kernels.Tests;

/// <summary>Small kernels written by hand: a body, arrays it gets the addresses of, and what it leaves in them.</summary>
internal static class PtxText
{
    /// <summary>Around a body: parameters p0, p1, ... and plenty of registers. %r1 is the thread, %rd1, %rd2, ... are the arrays.</summary>
    public static string Kernel(string body, int arrays = 1, int shared = 0)
    {
        var text = new StringBuilder(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(");
        text.AppendJoin(", ", Enumerable.Range(0, arrays).Select(i => $".param .b64 p{i}"));
        text.Append(")\n{\n");
        text.Append(shared > 0 ? $".shared .align 16 .b8 tile[{shared}];\n" : "");
        text.Append(".reg .pred %p<10>;\n.reg .b16 %rs<10>;\n.reg .b32 %r<60>;\n.reg .b64 %rd<20>;\n.reg .f32 %f<60>;\n.reg .f64 %fd<20>;\nmov.u32 %r1, %tid.x;\n");
        text.AppendJoin("", Enumerable.Range(0, arrays).Select(i => $"ld.param.b64 %rd{i + 1}, [p{i}];\n"));
        return text.Append(body).Append("\nret;\n}\n").ToString();
    }

    /// <summary>Runs a text on arrays, each of which it may read and write.</summary>
    public static void Run(string text, int threads, params uint[][] arrays) => Run(text, threads, defined: true, arrays);

    /// <summary>The same; the last array may count as never written.</summary>
    public static unsafe void Run(string text, int threads, bool defined, params uint[][] arrays)
    {
        var globals = new PtxGlobals();
        var parameters = new List<byte>();
        var handles = Array.ConvertAll(arrays, a => System.Runtime.InteropServices.GCHandle.Alloc(a, System.Runtime.InteropServices.GCHandleType.Pinned));
        try
        {
            for (int i = 0; i < arrays.Length; i++)
            {
                nint address = handles[i].AddrOfPinnedObject();
                var memory = new PtxAllocation(address, arrays[i].Length * sizeof(uint));
                memory.Defined.AsSpan().Fill(defined || i < arrays.Length - 1 ? (byte)1 : (byte)0);
                parameters.AddRange(BitConverter.GetBytes(globals.Add(memory, address, memory.Bytes)));
            }

            new PtxLaunch(PtxProgram.Parse(text), globals, [.. parameters], (1, 1, 1), (threads, 1, 1)).Run();
        }
        finally
        {
            Array.ForEach(handles, h => h.Free());
        }
    }
}
