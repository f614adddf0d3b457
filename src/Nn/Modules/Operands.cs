using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Gives operands back as soon as their layer is done.</summary>
internal static class Operands
{
    /// <summary>
    /// This result, with its operand given back. The tape has its own share of what it needs; without this a frozen prefix would hold
    /// every output to the end of the call.
    /// </summary>
    public static Tensor Releasing(this Tensor result, Tensor operand)
    {
        if (!ReferenceEquals(result, operand))
        {
            operand.Dispose();
        }

        return result;
    }
}
