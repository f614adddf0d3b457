using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The class's token before all others, and what stands for each place.</summary>
/// <remarks>
/// Shapes: x (N,T,D), y (N,T+1,D).
/// It is booked as <c>pos_embed</c>; its parameters are <c>cls_token</c> and <c>pos_embed</c> of the network itself.
/// </remarks>
internal sealed class DeitTokens : Module
{
    private readonly Parameter _token, _places;

    /// <summary>Fresh tokens.</summary>
    /// <param name="network">The network's scope.</param>
    /// <param name="tokens">T + 1.</param>
    /// <param name="width">D.</param>
    public DeitTokens(ModuleScope network, int tokens, int width)
        : base(network.Child("pos_embed"))
    {
        _token = AddParameter(network, "cls_token", new Shape(1, 1, width), DeitBlock.Values);
        _places = AddParameter(network, "pos_embed", new Shape(1, tokens, width), DeitBlock.Values);
    }

    protected override Tensor Forward(Tensor input)
    {
        var token = _token.Value.Expand(new Shape(input.Shape[0], 1, input.Shape[2]));
        return Tensor.Concat(1, token, input).Add(_places.Value);
    }
}

/// <summary>A block of the vision transformer: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
/// <remarks>Shapes: x, y (N,T,D).</remarks>
internal sealed class DeitBlock : Module
{
    /// <summary>What norms add to the variance: timm's.</summary>
    public const float Eps = 1e-6f;

    // Units of the hidden layer for each number of a token.
    private const int Expansion = 4;

    private readonly LayerNorm _norm1, _norm2;
    private readonly DeitAttention _attention;
    private readonly Linear _first, _second;

    public DeitBlock(ModuleScope scope, int width, int heads)
        : base(scope)
    {
        _norm1 = Add(new LayerNorm(scope.Child("norm1"), width, Eps));
        _attention = Add(new DeitAttention(scope.Child("attn"), width, heads));
        _norm2 = Add(new LayerNorm(scope.Child("norm2"), width, Eps));
        _first = Add(Dense(scope.Child("mlp.fc1"), width, Expansion * width));
        _second = Add(Dense(scope.Child("mlp.fc2"), Expansion * width, width));
    }

    /// <summary>How matrices and tokens begin.</summary>
    public static Initializer Values { get; } = Initializer.Normal(0f, 0.02f);

    public static Linear Dense(ModuleScope scope, int inFeatures, int outFeatures) =>
        new(scope, inFeatures, outFeatures, bias: true, Values, Initializer.Zero);

    protected override Tensor Forward(Tensor input)
    {
        var h = _norm1.Call(input);
        h = _attention.Call(h).Releasing(h);
        var x = input.Add(h).Releasing(h);
        h = _norm2.Call(x);
        h = _first.Call(h).Releasing(h);
        h = h.Gelu().Releasing(h);
        h = _second.Call(h).Releasing(h);
        return x.Add(h);
    }
}

/// <summary>Attention of each token to all, with one matrix for queries, keys and values.</summary>
/// <remarks>Shapes: x, y (N,T,D).</remarks>
internal sealed class DeitAttention : Module
{
    private readonly int _heads;
    private readonly Linear _qkv, _proj;

    public DeitAttention(ModuleScope scope, int width, int heads)
        : base(scope)
    {
        _heads = heads;
        _qkv = Add(DeitBlock.Dense(scope.Child("qkv"), width, 3 * width));
        _proj = Add(DeitBlock.Dense(scope.Child("proj"), width, width));
    }

    protected override Tensor Forward(Tensor input)
    {
        var (images, tokens, width) = (input.Shape[0], input.Shape[1], input.Shape[2]);
        var flat = _qkv.Call(input);
        var split = flat.Reshape(images, tokens, 3 * _heads, width / _heads).Releasing(flat);
        var all = split.Permute(0, 2, 1, 3).Releasing(split);
        var (q, k, v) = (all.Slice(1, 0, _heads), all.Slice(1, _heads, _heads), all.Slice(1, 2 * _heads, _heads));
        all.Dispose();
        var y = q.Attention(k, v).Releasing(q).Releasing(k).Releasing(v);
        var rows = y.Permute(0, 2, 1, 3).Releasing(y);
        return _proj.Call(rows.Reshape(images, tokens, width).Releasing(rows));
    }
}
