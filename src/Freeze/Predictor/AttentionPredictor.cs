using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>The sizes of the predictor.</summary>
public sealed record AttentionPredictorOptions
{
    /// <summary>Window and sample of the histories it reads.</summary>
    public WeightHistoryOptions History { get; init; } = new();

    /// <summary>Units of the encoder's two hidden layers.</summary>
    /// <value>Default 128 and 64: with 72 histories (BERT-base) parameters and histories stay below 6 MiB.</value>
    public IReadOnlyList<int> Hidden { get; init; } = [128, 64];

    /// <summary>Width of query, key and value.</summary>
    /// <value>Default 64, as in public re-implementations.</value>
    public int KeyWidth { get; init; } = 64;

    /// <summary>Units of the classifier's hidden layer.</summary>
    /// <value>Default 32, as in public re-implementations.</value>
    public int ClassifierWidth { get; init; } = 32;

    /// <summary>Whether attention adds (Bahdanau) instead of multiplying.</summary>
    /// <value>Default false: scaled dot product.</value>
    public bool Additive { get; init; }

    // The first thing that is wrong with these sizes.
    internal void Check()
    {
        History.Check();
        if (Hidden is not { Count: 2 })
        {
            throw new OptionException($"predictor option 'hidden' has {Hidden?.Count ?? 0} sizes, 2 are expected");
        }

        foreach (var (key, size) in new[] { ("hidden", Hidden[0]), ("hidden", Hidden[1]), ("key_width", KeyWidth), ("classifier_width", ClassifierWidth) })
        {
            if (size is < 1 or > WeightHistoryOptions.Largest)
            {
                throw new OptionException($"predictor option '{key}' is {size}, expected 1 to {WeightHistoryOptions.Largest}");
            }
        }
    }
}

/// <summary>
/// The SmartFRZ predictor: from the window of a layer's weight movements to the log-odds that the layer may freeze.
/// </summary>
/// <remarks>
/// Shapes:   (L,W,n) histories -> (L,W,h) encoded snapshots -> query (L,1,d) from the newest, keys and values (L,W-1,d) from the
///           others -> attention (L,1,W-1) -> summary (L,1,d) -> logit (L,1).
/// Computes: softmax(q k^T / sqrt(d)) v, or with additive attention softmax(u . tanh(q + k)) v.
/// Source:   SmartFRZ (arXiv 2401.16720): MLP encoder, attention over the window, MLP classifier; the scaling, the shared trunk and
///           the newest snapshot as query are ours where the paper's text was not at hand.
/// </remarks>
public sealed class AttentionPredictor : Module
{
    private readonly AttentionPredictorOptions _options;
    private readonly Linear _trunk1, _trunk2, _query, _key, _value, _hidden, _output;
    private readonly Linear? _score;

    /// <summary>A predictor with fresh parameters.</summary>
    /// <exception cref="OptionException">A size has no sense.</exception>
    public AttentionPredictor(ModuleScope scope, AttentionPredictorOptions options)
        : base(scope)
    {
        options.Check();
        _options = options;
        int h = options.Hidden[1], d = options.KeyWidth;
        _trunk1 = Add(new Linear(scope.Child("trunk1"), options.History.Samples, options.Hidden[0]));
        _trunk2 = Add(new Linear(scope.Child("trunk2"), options.Hidden[0], h));
        _query = Add(new Linear(scope.Child("query"), h, d));
        _key = Add(new Linear(scope.Child("key"), h, d));
        _value = Add(new Linear(scope.Child("value"), h, d));
        _score = options.Additive ? Add(new Linear(scope.Child("score"), d, 1)) : null;
        _hidden = Add(new Linear(scope.Child("hidden"), d, options.ClassifierWidth));
        _output = Add(new Linear(scope.Child("output"), options.ClassifierWidth, 1));
    }

    /// <summary>The sizes it was built with.</summary>
    public AttentionPredictorOptions Options => _options;

    /// <summary>The encoder's first layer, which reads the histories.</summary>
    internal Linear First => _trunk1;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        int window = _options.History.Window;
        if (input.Shape.Rank != 3 || input.Shape[1] != window || input.Shape[2] != _options.History.Samples)
        {
            throw new ShapeException($"AttentionPredictor: input {input.Shape}, expected (L,{window},{_options.History.Samples})");
        }

        int layers = input.Shape[0];
        var encoded = _trunk2.Call(_trunk1.Call(input).Relu()).Relu();
        var newest = encoded.Slice(1, window - 1, 1);
        var others = encoded.Slice(1, 0, window - 1);
        var query = _query.Call(newest);
        var key = _key.Call(others);
        var scores = _score is { } score
            ? score.Call(key.Add(query).Tanh()).Reshape(layers, 1, window - 1)
            : query.MatMul(key, transposeB: true).Scale(1f / MathF.Sqrt(_options.KeyWidth));
        var summary = Softmax(scores).MatMul(_value.Call(others)).Reshape(layers, _options.KeyWidth);
        return _output.Call(_hidden.Call(summary).Relu());
    }

    private static Tensor Softmax(Tensor scores)
    {
        var e = scores.Sub(scores.Detach().Max([-1], keepDim: true)).Exp();
        return e.Div(e.Sum([-1], keepDim: true));
    }
}
