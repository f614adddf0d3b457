namespace SmartFrz.Nn.Weights;

/// <summary>The names of the instructions of a pickle that are not carried out, for messages.</summary>
/// <remarks>Source: Python's <c>pickletools</c>. They call code, need another program's tables, or stand in no file that torch.save writes.</remarks>
internal static class PickleOpcodes
{
    /// <summary>What to call an instruction that is refused.</summary>
    public static string NameOf(byte opcode) => opcode switch
    {
        (byte)'i' => "INST",
        (byte)'o' => "OBJ",
        (byte)'P' => "PERSID",
        (byte)'S' => "STRING",
        (byte)'V' => "UNICODE",
        (byte)'F' => "FLOAT",
        (byte)'g' => "GET",
        (byte)'p' => "PUT",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x92 => "NEWOBJ_EX",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        _ => FormattableString.Invariant($"0x{opcode:x2}"),
    };
}
