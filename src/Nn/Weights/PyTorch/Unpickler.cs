using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Weights;

/// <summary>
/// Carries out a pickle and can build nothing but texts, numbers, lists, dictionaries and the tensors of <see cref="TorchGlobals"/>: no
/// name of a pickle is looked up anywhere but on that list.
/// </summary>
/// <remarks>
/// Values: null, bool, long, <see cref="BigInteger"/>, double, string, byte[], a list or set as a list of objects, a tuple as an array
/// of objects, <see cref="PickleDict"/>, <see cref="PickleGlobal"/>, <see cref="TorchStorage"/>, <see cref="TorchTensor"/>,
/// <see cref="PickleInert"/>.
/// Memory: what one instruction makes has a fixed size but for the bytes and values it takes, so all stays below 256 times the pickle.
/// </remarks>
internal sealed class Unpickler
{
    private const int HighestProtocol = 5, LongestNumber = 255;

    private readonly PickleBytes _bytes;
    private readonly Dictionary<string, TorchStorage>? _storages;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    private Unpickler(PickleBytes bytes, Dictionary<string, TorchStorage>? storages) => (_bytes, _storages) = (bytes, storages);

    /// <summary>Reads one pickle to its STOP.</summary>
    /// <param name="bytes">The pickle.</param>
    /// <param name="storages">Receives the storages it names; null where it may name none.</param>
    /// <exception cref="WeightsFormatException">It is damaged, or asks for what is not built here.</exception>
    public static object? Read(PickleBytes bytes, Dictionary<string, TorchStorage>? storages) => new Unpickler(bytes, storages).Run();

    private object? Run()
    {
        while (true)
        {
            byte opcode = _bytes.Byte();
            if (opcode == '.')
            {
                return Pop();
            }

            if (!(TryNumber(opcode) || TryText(opcode) || TryContainer(opcode) || TryMemo(opcode) || TryObject(opcode)))
            {
                throw _bytes.Fail($"the pickle has the instruction {PickleOpcodes.NameOf(opcode)}, which is not carried out: tensors and containers need none of that kind");
            }
        }
    }

    private bool TryNumber(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'N':
                _stack.Add(null);
                return true;
            case 0x88 or 0x89:
                _stack.Add(opcode == 0x88);
                return true;
            case (byte)'K':
                _stack.Add(_bytes.Unsigned(1));
                return true;
            case (byte)'M':
                _stack.Add(_bytes.Unsigned(2));
                return true;
            case (byte)'J':
                _stack.Add((long)(int)_bytes.Unsigned(4));
                return true;
            case 0x8A or 0x8B:
                long digits = _bytes.Unsigned(opcode == 0x8A ? 1 : 4);
                _stack.Add(digits <= LongestNumber ? Whole(new BigInteger(_bytes.Bytes(digits))) : throw _bytes.Fail(_bytes.At($"a number of {digits} bytes")));
                return true;
            case (byte)'I' or (byte)'L':
                _stack.Add(Line(opcode, _bytes.Line()));
                return true;
            case (byte)'G':
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(_bytes.Bytes(sizeof(double))));
                return true;
            default:
                return false;
        }
    }

    // A truth value, or decimal digits with an L behind them where it is a LONG.
    private object Line(byte opcode, string line) =>
        opcode == 'I' && line is "00" or "01" ? line == "01"
        : BigInteger.TryParse(line.TrimEnd('L'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? Whole(value)
        : throw _bytes.Fail(_bytes.At("a number without digits"));

    // Almost every number fits a long: what does not is kept as it is.
    private static object Whole(BigInteger value)
    {
        bool fits = value >= long.MinValue && value <= long.MaxValue;
        return fits ? Boxed((long)value) : Boxed(value);

        static object Boxed<T>(T number)
            where T : struct => number;
    }

    private bool TryText(byte opcode)
    {
        switch (opcode)
        {
            case 0x8C or (byte)'X' or 0x8D:
                _stack.Add(_bytes.Text(_bytes.Unsigned(opcode == 0x8C ? 1 : opcode == 'X' ? 4 : 8)));
                return true;
            case (byte)'U' or (byte)'T':
                // Python 2's strings: texts, or the bytes of a number of NumPy.
                byte[] old = _bytes.Bytes(_bytes.Unsigned(opcode == 'U' ? 1 : 4));
                _stack.Add((object?)PickleBytes.TryText(old) ?? old);
                return true;
            case (byte)'C' or (byte)'B' or 0x8E or 0x96:
                _stack.Add(_bytes.Bytes(_bytes.Unsigned(opcode == 'C' ? 1 : opcode == 'B' ? 4 : 8)));
                return true;
            default:
                return false;
        }
    }

    private bool TryContainer(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(':
                _marks.Add(_stack.Count);
                return true;
            case (byte)']' or 0x8F:
                _stack.Add(new List<object?>());
                return true;
            case (byte)'}':
                _stack.Add(new PickleDict());
                return true;
            case (byte)')':
                _stack.Add(Array.Empty<object?>());
                return true;
            case 0x85 or 0x86 or 0x87:
                _stack.Add(PopMany(opcode - 0x84));
                return true;
            case (byte)'t':
                _stack.Add(PopMarked());
                return true;
            case (byte)'l' or 0x91:
                _stack.Add(PopMarked().ToList());
                return true;
            case (byte)'d':
                Set(PopMarked(), new PickleDict(), push: true);
                return true;
            case (byte)'a':
                object?[] one = PopMany(1);
                Top<List<object?>>().AddRange(one);
                return true;
            case (byte)'e' or 0x90:
                object?[] more = PopMarked();
                Top<List<object?>>().AddRange(more);
                return true;
            case (byte)'s':
                object?[] pair = PopMany(2);
                Set(pair, Top<PickleDict>(), push: false);
                return true;
            case (byte)'u':
                object?[] pairs = PopMarked();
                Set(pairs, Top<PickleDict>(), push: false);
                return true;
            default:
                return false;
        }
    }

    private void Set(object?[] pairs, PickleDict into, bool push)
    {
        if (pairs.Length % 2 != 0)
        {
            throw _bytes.Fail(_bytes.At("a key without a value"));
        }

        for (int i = 0; i < pairs.Length; i += 2)
        {
            into.Set(pairs[i], pairs[i + 1]);
        }

        if (push)
        {
            _stack.Add(into);
        }
    }

    private bool TryMemo(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'h' or (byte)'j':
                long key = _bytes.Unsigned(opcode == 'h' ? 1 : 4);
                _stack.Add(_memo.TryGetValue(key, out object? value) ? value : throw _bytes.Fail(_bytes.At($"a value {key} that was never put by")));
                return true;
            case (byte)'q' or (byte)'r':
                _memo[_bytes.Unsigned(opcode == 'q' ? 1 : 4)] = Peek();
                return true;
            case 0x94:
                _memo[_memo.Count] = Peek();
                return true;
            case (byte)'2':
                _stack.Add(Peek());
                return true;
            case (byte)'0':
                if (_marks.Count > 0 && _marks[^1] == _stack.Count)
                {
                    _marks.RemoveAt(_marks.Count - 1);
                }
                else
                {
                    Pop();
                }

                return true;
            case (byte)'1':
                PopMarked();
                return true;
            case 0x80:
                int protocol = _bytes.Byte();
                return protocol <= HighestProtocol ? true : throw _bytes.Fail($"a pickle of protocol {protocol}, those up to {HighestProtocol} are read");
            case 0x95:
                // The length of a frame: only of use to who reads ahead.
                _bytes.Unsigned(sizeof(long));
                return true;
            default:
                return false;
        }
    }

    private bool TryObject(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'c':
                string module = _bytes.Line();
                _stack.Add(Global(module, _bytes.Line()));
                return true;
            case 0x93:
                object?[] names = PopMany(2);
                _stack.Add(names is [string from, string name] ? Global(from, name) : throw _bytes.Fail(_bytes.At("a class whose name is no text")));
                return true;
            case (byte)'R' or 0x81:
                object?[] call = PopMany(2);
                _stack.Add(Call(call[0], call[1]));
                return true;
            case (byte)'b':
                // What else an object holds: for a dictionary of weights the versions of its modules, for a number of NumPy its bytes.
                Pop();
                if (Peek() is not (PickleDict or PickleInert or TorchTensor))
                {
                    throw _bytes.Fail(_bytes.At("a state for what has none"));
                }

                return true;
            case (byte)'Q':
                _stack.Add(Storage(Pop()));
                return true;
            default:
                return false;
        }
    }

    private PickleGlobal Global(string module, string name) =>
        TorchGlobals.Find(module, name) ?? throw _bytes.Fail(
            $"the pickle asks for '{MessageText.Printable(module)}.{MessageText.Printable(name)}', which is not built here: only tensors and containers are; "
            + "write the weights alone with torch.save(model.state_dict(), FILE)");

    private object? Call(object? callee, object? arguments) =>
        callee is not PickleGlobal { Call: { } make } ? throw _bytes.Fail(_bytes.At($"a call of {Describe(callee)}"))
        : arguments is not object?[] list ? throw _bytes.Fail(_bytes.At($"a call with {Describe(arguments)} for arguments"))
        : make(_bytes, list);

    // ("storage", class, key, device, elements[, view]).
    private TorchStorage Storage(object? id)
    {
        if (_storages is null || id is not object?[] { Length: 5 or 6 } parts
            || parts is not ["storage", PickleGlobal { DType: { } type }, string key, string, long count, ..] || count < 0)
        {
            throw _bytes.Fail($"the pickle names {(id is object?[] { Length: > 0 } other ? Describe(other[0]) : Describe(id))} outside of it, a storage of tensors is expected");
        }

        if (parts.Length == 6 && parts[5] is not null)
        {
            throw _bytes.Fail($"storage '{MessageText.Printable(key)}' is a view of another one, which is not read; write the file again with a newer PyTorch");
        }

        var storage = new TorchStorage(key, type, count);
        if (_storages.TryGetValue(key, out var known))
        {
            return (known.DType, known.Count) == (type, count) ? known
                : throw _bytes.Fail(FormattableString.Invariant($"storage '{MessageText.Printable(key)}' is {known.Count} {known.DType} at one place and {count} {type} at another"));
        }

        _storages.Add(key, storage);
        return storage;
    }

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Empty();

    private T Top<T>()
        where T : class => Peek() as T ?? throw _bytes.Fail(_bytes.At($"elements for {Describe(Peek())}"));

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        if (_stack.Count - Floor < count)
        {
            throw Empty();
        }

        object?[] values = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopMarked()
    {
        if (_marks.Count == 0)
        {
            throw Empty();
        }

        object?[] values = PopMany(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    // Values below the newest mark belong to what began before it.
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private WeightsFormatException Empty() => _bytes.Fail(_bytes.At("more values are taken than were put"));

    /// <summary>What a value is, for messages.</summary>
    internal static string Describe(object? value) => value switch
    {
        null => "None",
        string text => $"'{MessageText.Printable(text)}'",
        bool => "a truth value",
        long or BigInteger or double => "a number",
        byte[] => "bytes",
        List<object?> => "a list",
        object?[] => "a tuple",
        PickleDict => "a dictionary",
        PickleGlobal global => global.Name,
        TorchStorage => "a storage",
        TorchTensor => "a tensor",
        _ => "a value without tensors",
    };
}
