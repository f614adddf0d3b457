using System.Globalization;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// The text encoder with a classifier: words, places and sentences become tokens; blocks of attention and a hidden layer, a norm behind
/// each; the first token goes through a layer with tanh, dropout and a linear head.
/// </summary>
/// <remarks>
/// Takes <c>input_ids</c>, and <c>token_type_ids</c> and <c>attention_mask</c> where they are not 0 and 1 throughout. What the mask rules out
/// has -10000 added to its scores.
/// Parameters have the names of HuggingFace's <c>BertForSequenceClassification</c> and begin as there: matrices and tables normal with
/// deviation 0.02, the row of padding and all biases zero, norms as the identity.
/// Source: Devlin, Chang, Lee, Toutanova, "BERT" (arXiv 1810.04805).
/// </remarks>
public sealed class Bert : Network
{
    // Tokens of a text where nothing else is said: of summaries and benches.
    private const int UsualLength = 128;

    // What is added to the scores of keys that do not count: BERT's own.
    private const float Masked = -10000f;

    private readonly int _maxPosition;
    private readonly BertEmbeddings _embeddings;
    private readonly List<BertLayer> _layers = [];
    private readonly Linear _pooler, _head;
    private readonly Dropout _dropout;

    /// <summary>A network with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below 1, the hidden size no multiple of the heads, or the dropout outside [0, 1).</exception>
    public Bert(ModuleScope scope, BertOptions options)
        : base(scope)
    {
        NumClasses = options.NumClasses ?? options.NumLabels;
        OptionBinder.RequireAtLeast(1, NumClasses, options.NumClasses is null ? "model.num_labels" : "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.VocabSize, "model.vocab_size");
        OptionBinder.RequireAtLeast(1, options.MaxPosition, "model.max_position");
        OptionBinder.RequireAtLeast(1, options.Layers, "model.layers");
        OptionBinder.RequireAtLeast(1, options.Intermediate, "model.intermediate");
        ModelOptions.RequireMultiple(options.Hidden, "hidden", options.Heads, "heads");
        ModelOptions.RequireDropout(options.Dropout);
        _maxPosition = options.MaxPosition;
        InputShape = new Shape(Math.Min(UsualLength, _maxPosition));
        var any = new Shape(0);
        Inputs =
        [
            new InputSpec(InputSpec.Tokens, DType.I32, any, Limit: options.VocabSize),
            new InputSpec(InputSpec.TokenTypes, DType.I32, any, Default: 0, Limit: BertEmbeddings.Sentences),
            new InputSpec(InputSpec.AttentionMask, DType.F32, any, Default: 1, Limit: 2),
        ];
        _embeddings = Add(new BertEmbeddings(scope.Child("bert.embeddings"), options));
        var units = new List<FreezableUnit> { new("stem", ["bert.embeddings"]) };
        for (int i = 0; i < options.Layers; i++)
        {
            var unit = new FreezableUnit(string.Create(CultureInfo.InvariantCulture, $"bert.encoder.layer.{i}"));
            _layers.Add(Add(new BertLayer(scope.Child(unit.Name), options)));
            units.Add(unit);
        }

        _pooler = Add(BertLayer.Dense(scope.Child("bert.pooler.dense"), options.Hidden, options.Hidden));
        _dropout = Add(new Dropout(scope.Child("dropout"), options.Dropout));
        _head = Add(BertLayer.Dense(scope.Child("classifier"), options.Hidden, NumClasses));
        units.Add(new FreezableUnit("head", ["bert.pooler", "dropout", "classifier"], IsHead: true));
        Blocks = units;
    }

    /// <inheritdoc/>
    public override string Name => "bert_base";

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<InputSpec> Inputs { get; }

    /// <inheritdoc/>
    public override int NumClasses { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<FreezableUnit> Blocks { get; }

    /// <inheritdoc/>
    protected internal override void CheckInput(InputSpec spec, Shape shape, string source)
    {
        base.CheckInput(spec, shape, source);
        if (shape[0] > _maxPosition)
        {
            throw new ShapeException($"{source}: '{spec.Name}' has {shape[0]} tokens, {Name} takes {_maxPosition} at most (option model.max_position)");
        }
    }

    /// <inheritdoc/>
    /// <remarks>One sentence a text, and all tokens count.</remarks>
    protected override Tensor Forward(Tensor input)
    {
        var types = Engine.FromHost<int>(new int[input.Shape.Count], input.Shape);
        return Forward(input, types, mask: null);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(IReadOnlyList<Tensor> inputs) => Forward(inputs[0], inputs[1], inputs[2]);

    private Tensor Forward(Tensor tokens, Tensor types, Tensor? mask)
    {
        CheckInput(Inputs[0], new Shape(tokens.Shape.ToArray().AsSpan(1)), Name);
        int texts = tokens.Shape[0];
        // (mask - 1) * 10000: exact for 0 and 1. Of each text a number for each key, for all heads and queries.
        var bias = mask?.AddScalar(-1f).Scale(-Masked);
        var x = _embeddings.Call(tokens, types);
        foreach (var layer in _layers)
        {
            x = layer.Call(x, bias).Releasing(x);
        }

        var first = x.Slice(1, 0, 1).Releasing(x);
        var pooled = _pooler.Call(first.Reshape(texts, first.Shape[2])).Tanh();
        return _head.Call(_dropout.Call(pooled));
    }
}

/// <summary>Builds <see cref="Bert"/>.</summary>
public sealed class BertFamily : ModelFamily<BertOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["bert_base"];

    /// <inheritdoc/>
    public override string Description => "text encoder of 768 numbers a token and twelve blocks with a classifier, as HuggingFace's BertForSequenceClassification";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, BertOptions options) => new Bert(scope, options);
}
