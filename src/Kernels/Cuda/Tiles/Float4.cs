namespace SmartFrz.Kernels.Cuda;

/// <summary>Four floats that are read from and written to memory in one instruction (16 bytes, aligned to 16).</summary>
internal struct Float4
{
    public float X, Y, Z, W;

    /// <summary>sum + factor * v, which the assembler makes four fused multiply-adds of.</summary>
    public static Float4 MultiplyAdd(Float4 sum, float factor, Float4 v)
    {
        Float4 y;
        y.X = sum.X + (factor * v.X);
        y.Y = sum.Y + (factor * v.Y);
        y.Z = sum.Z + (factor * v.Z);
        y.W = sum.W + (factor * v.W);
        return y;
    }
}
