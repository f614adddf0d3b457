using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>One of the tensors that a network takes, or that batches bring.</summary>
/// <param name="Name">Its name, as in files: <c>input</c>, <c>input_ids</c>.</param>
/// <param name="DType">F32 or I32, as it lies on the device. Whole numbers of a batch become either.</param>
/// <param name="Shape">The shape of one example; an extent of 0 varies from batch to batch.</param>
/// <param name="Default">What all its elements are where a batch does not bring it; null where it must be there.</param>
/// <param name="Limit">What its whole numbers are below; null for no limit.</param>
public sealed record InputSpec(string Name, DType DType, Shape Shape, int? Default = null, int? Limit = null)
{
    /// <summary>The name of images, (C,H,W), the only input of networks for images.</summary>
    public const string Image = "input";

    /// <summary>The name of a text's tokens, (T).</summary>
    public const string Tokens = "input_ids";

    /// <summary>The name of which sentence of a pair each token belongs to, (T): 0 or 1.</summary>
    public const string TokenTypes = "token_type_ids";

    /// <summary>The name of which tokens count, (T): 1, or 0 for padding.</summary>
    public const string AttentionMask = "attention_mask";
}
