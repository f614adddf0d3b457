using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>What BERT makes of tokens: the sum of a row for the word, one for the place and one for the sentence; norm and dropout.</summary>
/// <remarks>Shapes: tokens and types (N,T), y (N,T,D).</remarks>
internal sealed class BertEmbeddings : Module
{
    /// <summary>Sentences of a text at most.</summary>
    public const int Sentences = 2;

    // The token of padding in BERT's vocabularies.
    private const int Padding = 0;

    private readonly Embedding _words, _places, _sentences;
    private readonly LayerNorm _norm;
    private readonly Dropout _dropout;

    public BertEmbeddings(ModuleScope scope, BertOptions options)
        : base(scope)
    {
        _words = Add(new Embedding(scope.Child("word_embeddings"), options.VocabSize, options.Hidden, Padding, BertLayer.Values));
        _places = Add(new Embedding(scope.Child("position_embeddings"), options.MaxPosition, options.Hidden, values: BertLayer.Values));
        _sentences = Add(new Embedding(scope.Child("token_type_embeddings"), Sentences, options.Hidden, values: BertLayer.Values));
        _norm = Add(new LayerNorm(scope.Child("LayerNorm"), options.Hidden, BertLayer.Eps));
        _dropout = Add(new Dropout(scope.Child("dropout"), options.Dropout));
    }

    public Tensor Call(Tensor tokens, Tensor types)
    {
        var call = Enter();
        var sum = _words.Call(tokens).Add(_sentences.Call(types)).Add(_places.First(tokens.Shape[1]));
        return call.Return(_dropout.Call(_norm.Call(sum)));
    }

    protected override Tensor Forward(Tensor input) => throw new NotSupportedException($"{Path} needs tokens and their sentences");
}

/// <summary>A block of BERT: norm(x + attention(x)), then norm(x + mlp(x)), with dropout before each sum.</summary>
/// <remarks>Shapes: x, y (N,T,D).</remarks>
internal sealed class BertLayer : Module
{
    /// <summary>What norms add to the variance.</summary>
    public const float Eps = 1e-12f;

    private readonly BertAttention _attention;
    private readonly Linear _joined, _intermediate, _output;
    private readonly Dropout _joinedDropout, _outputDropout;
    private readonly LayerNorm _joinedNorm, _outputNorm;

    public BertLayer(ModuleScope scope, BertOptions options)
        : base(scope)
    {
        int width = options.Hidden;
        _attention = Add(new BertAttention(scope.Child("attention.self"), options));
        _joined = Add(Dense(scope.Child("attention.output.dense"), width, width));
        _joinedDropout = Add(new Dropout(scope.Child("attention.output.dropout"), options.Dropout));
        _joinedNorm = Add(new LayerNorm(scope.Child("attention.output.LayerNorm"), width, Eps));
        _intermediate = Add(Dense(scope.Child("intermediate.dense"), width, options.Intermediate));
        _output = Add(Dense(scope.Child("output.dense"), options.Intermediate, width));
        _outputDropout = Add(new Dropout(scope.Child("output.dropout"), options.Dropout));
        _outputNorm = Add(new LayerNorm(scope.Child("output.LayerNorm"), width, Eps));
    }

    /// <summary>How matrices and tables begin.</summary>
    public static Initializer Values { get; } = Initializer.Normal(0f, 0.02f);

    public static Linear Dense(ModuleScope scope, int inFeatures, int outFeatures) =>
        new(scope, inFeatures, outFeatures, bias: true, Values, Initializer.Zero);

    /// <summary>The block's output, with a term for each key's scores (N,T), or none.</summary>
    public Tensor Call(Tensor input, Tensor? bias)
    {
        var call = Enter();
        return call.Return(Compute(input, bias));
    }

    protected override Tensor Forward(Tensor input) => Compute(input, bias: null);

    private Tensor Compute(Tensor input, Tensor? bias)
    {
        var h = _attention.Call(input, bias);
        h = _joined.Call(h).Releasing(h);
        h = _joinedDropout.Call(h).Releasing(h);
        h = h.Add(input).Releasing(h);
        var x = _joinedNorm.Call(h).Releasing(h);
        h = _intermediate.Call(x);
        h = h.Gelu().Releasing(h);
        h = _output.Call(h).Releasing(h);
        h = _outputDropout.Call(h).Releasing(h);
        h = h.Add(x).Releasing(h).Releasing(x);
        return _outputNorm.Call(h).Releasing(h);
    }
}

/// <summary>Attention of each token to those that count, with dropout of its weights.</summary>
/// <remarks>
/// Shapes: x, y (N,T,D).
/// With dropout at work the scores are made as a whole: it takes their weights one by one.
/// </remarks>
internal sealed class BertAttention : Module
{
    private readonly int _heads;
    private readonly Linear _query, _key, _value;
    private readonly Dropout _dropout;

    public BertAttention(ModuleScope scope, BertOptions options)
        : base(scope)
    {
        _heads = options.Heads;
        _query = Add(BertLayer.Dense(scope.Child("query"), options.Hidden, options.Hidden));
        _key = Add(BertLayer.Dense(scope.Child("key"), options.Hidden, options.Hidden));
        _value = Add(BertLayer.Dense(scope.Child("value"), options.Hidden, options.Hidden));
        _dropout = Add(new Dropout(scope.Child("dropout"), options.Dropout));
    }

    public Tensor Call(Tensor input, Tensor? bias)
    {
        var call = Enter();
        return call.Return(Compute(input, bias));
    }

    protected override Tensor Forward(Tensor input) => Compute(input, bias: null);

    private Tensor Compute(Tensor input, Tensor? bias)
    {
        var queries = Heads(_query.Call(input));
        var keys = Heads(_key.Call(input));
        var y = _dropout.IsActive ? Whole(input, queries, keys, bias) : Fused(input, queries, keys, bias);
        var rows = y.Permute(0, 2, 1, 3).Releasing(y);
        return rows.Reshape(input.Shape[0], input.Shape[1], input.Shape[2]).Releasing(rows);
    }

    private Tensor Fused(Tensor input, Tensor queries, Tensor keys, Tensor? bias)
    {
        var values = Heads(_value.Call(input));
        return queries.Attention(keys, values, keyTerms: bias).Releasing(queries).Releasing(keys).Releasing(values);
    }

    private Tensor Whole(Tensor input, Tensor queries, Tensor keys, Tensor? bias)
    {
        float scale = 1f / MathF.Sqrt(input.Shape[2] / _heads);
        var scaled = queries.Scale(scale).Releasing(queries);
        var scores = scaled.MatMul(keys, transposeB: true).Releasing(scaled).Releasing(keys);
        scores = bias is null ? scores : scores.Add(bias.Reshape(input.Shape[0], 1, 1, input.Shape[1])).Releasing(scores);
        var weights = scores.Softmax().Releasing(scores);
        weights = _dropout.Call(weights).Releasing(weights);
        var values = Heads(_value.Call(input));
        return weights.MatMul(values).Releasing(weights).Releasing(values);
    }

    // (N,T,D) as (N,H,T,D/H).
    private Tensor Heads(Tensor x)
    {
        var split = x.Reshape(x.Shape[0], x.Shape[1], _heads, x.Shape[2] / _heads).Releasing(x);
        return split.Permute(0, 2, 1, 3).Releasing(split);
    }
}
