using System.Globalization;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// The vision transformer: patches become tokens, a token for the class before them; blocks of attention and a hidden layer, norms in
/// front of each; the class token's norm and a linear head.
/// </summary>
/// <remarks>
/// Parameters have timm's names and begin as in DeiT: matrices, class token and positions normal with deviation 0.02 (cut at two whole
/// units, a hundred deviations: nowhere), biases zero, norms as the identity; the patches' convolution as PyTorch's.
/// Source: Touvron, Cord, Douze, Massa, Sablayrolles, Jégou, "Training data-efficient image transformers" (arXiv 2012.12877), table 1
/// (DeiT-Ti, without distillation).
/// </remarks>
public sealed class Deit : Network
{
    private readonly Conv2d _patches;
    private readonly DeitTokens _tokens;
    private readonly List<DeitBlock> _blocks = [];
    private readonly LayerNorm _norm;
    private readonly Linear _head;

    /// <summary>A network with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below 1, or no multiple of another that it must be a multiple of.</exception>
    public Deit(ModuleScope scope, DeitOptions options)
        : base(scope)
    {
        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1, options.PatchSize, "model.patch_size");
        OptionBinder.RequireAtLeast(1, options.Depth, "model.depth");
        ModelOptions.RequireMultiple(options.ImgSize, "img_size", options.PatchSize, "patch_size");
        ModelOptions.RequireMultiple(options.Dim, "dim", options.Heads, "heads");
        InputShape = new Shape(options.InChannels, options.ImgSize, options.ImgSize);
        NumClasses = options.NumClasses;
        int side = options.ImgSize / options.PatchSize;
        _patches = Add(new Conv2d(scope.Child("patch_embed.proj"), options.InChannels, options.Dim, options.PatchSize, new Conv2dOptions(options.PatchSize, 0)));
        _tokens = Add(new DeitTokens(scope, (side * side) + 1, options.Dim));
        var units = new List<FreezableUnit> { new("stem", ["patch_embed", .. _tokens.Prefixes]) };
        for (int i = 0; i < options.Depth; i++)
        {
            var unit = new FreezableUnit(string.Create(CultureInfo.InvariantCulture, $"blocks.{i}"));
            _blocks.Add(Add(new DeitBlock(scope.Child(unit.Name), options.Dim, options.Heads)));
            units.Add(unit);
        }

        _norm = Add(new LayerNorm(scope.Child("norm"), options.Dim, DeitBlock.Eps));
        _head = Add(new Linear(scope.Child("head"), options.Dim, options.NumClasses, bias: true, DeitBlock.Values, Initializer.Zero));
        units.Add(new FreezableUnit("head", ["norm", "head"], IsHead: true));
        Blocks = units;
    }

    /// <inheritdoc/>
    public override string Name => "deit_tiny";

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override int NumClasses { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<FreezableUnit> Blocks { get; }

    /// <inheritdoc/>
    protected internal override void CheckInput(InputSpec spec, Shape shape, string source)
    {
        base.CheckInput(spec, shape, source);
        if (shape != InputShape)
        {
            throw new ShapeException($"{source}: '{spec.Name}' of an example is {shape}, {Name} expects {InputShape} (option model.img_size)");
        }
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        CheckInput(Inputs[0], new Shape(input.Shape.ToArray().AsSpan(1)), Name);
        int images = input.Shape[0];
        var patches = _patches.Call(input);
        var places = patches.Flatten(2);
        var x = places.Permute(0, 2, 1).Releasing(places).Releasing(patches);
        x = _tokens.Call(x).Releasing(x);
        foreach (var block in _blocks)
        {
            x = block.Call(x).Releasing(x);
        }

        // A norm looks at one token at a time: only the class's is wanted.
        var token = x.Slice(1, 0, 1).Releasing(x);
        return _head.Call(_norm.Call(token.Reshape(images, token.Shape[2])));
    }
}

/// <summary>Builds <see cref="Deit"/>.</summary>
public sealed class DeitFamily : ModelFamily<DeitOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["deit_tiny"];

    /// <inheritdoc/>
    public override string Description => "vision transformer of 192 numbers a token, twelve blocks and three heads, as in timm";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, DeitOptions options) => new Deit(scope, options);
}
