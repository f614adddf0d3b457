using System.Globalization;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The options of <see cref="ResNet"/>.</summary>
public sealed record ResNetOptions : IFormBySize
{
    /// <summary>Classes.</summary>
    /// <value>Default 1000.</value>
    public int NumClasses { get; init; } = 1000;

    /// <summary>Channels of the input.</summary>
    /// <value>Default 3.</value>
    public int InChannels { get; init; } = 3;

    /// <summary>Rows and columns of the input; any size works, this one is used where no data says otherwise.</summary>
    /// <value>Default 224, or 32 with the cifar stem.</value>
    public int? ImageSize { get; init; }

    /// <summary>Channels of the stem; the four stages have once, twice, four and eight times as many, bottlenecks four times that.</summary>
    /// <value>Default 64.</value>
    public int Width { get; init; } = 64;

    /// <summary>
    /// The stem: imagenet is a 7x7 convolution of stride 2 and a maximum of 3x3 of stride 2, cifar a 3x3 convolution of stride 1.
    /// </summary>
    /// <value>Default cifar for an image size of 64 and less, else imagenet.</value>
    public Stem? Stem { get; init; }
}

/// <summary>
/// The residual networks of four stages: basic blocks (18 and 34 layers) or bottlenecks (50), global average pooling, a linear head.
/// </summary>
/// <remarks>
/// Parameters have torchvision's names and begin as there: filters normal with deviation sqrt(2 / fan_out), batch normalisation as the
/// identity, the head as PyTorch's linear layers.
/// Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), table 1, with torchvision's place of
/// the stride in the bottleneck (its 3x3 convolution). The stem for small images is the usual one of their CIFAR forms.
/// </remarks>
public sealed class ResNet : Network
{
    private readonly Conv2d _conv1;
    private readonly BatchNorm2d _bn1;
    private readonly MaxPool2d? _pool;
    private readonly List<Module> _blocks = [];
    private readonly Linear _head;

    /// <summary>A network of 18, 34 or 50 layers with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below 1.</exception>
    public ResNet(ModuleScope scope, int depth, ResNetOptions options)
        : base(scope)
    {
        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1, options.ImageSize ?? 1, "model.image_size");
        OptionBinder.RequireAtLeast(1, options.Width, "model.width");
        Name = string.Create(CultureInfo.InvariantCulture, $"resnet{depth}");
        NumClasses = options.NumClasses;
        int[] stages = depth switch
        {
            18 => [2, 2, 2, 2],
            34 or 50 => [3, 4, 6, 3],
            _ => throw new OptionException(string.Create(CultureInfo.InvariantCulture, $"resnet of depth {depth}, expected 18, 34 or 50")),
        };
        var filters = Initializer.KaimingNormalFanOut;
        bool large = (options.Stem ?? ModelOptions.StemFor(options.ImageSize)) == Stem.Imagenet;
        int side = ModelOptions.SizeOf(options.ImageSize, small: !large);
        InputShape = new Shape(options.InChannels, side, side);
        var (kernel, stem) = large ? (7, new Conv2dOptions(2, 3)) : (3, new Conv2dOptions(1, 1));
        _conv1 = Add(new Conv2d(scope.Child("conv1"), options.InChannels, options.Width, kernel, stem, bias: false, filters));
        _bn1 = Add(new BatchNorm2d(scope.Child("bn1"), options.Width));
        _pool = large ? Add(new MaxPool2d(scope.Child("maxpool"), 3, 2, 1)) : null;
        var units = new List<FreezableUnit> { new("stem", ["conv1", "bn1"]) };
        int channels = options.Width;
        for (int stage = 1; stage <= stages.Length; stage++)
        {
            int wide = options.Width << (stage - 1);
            for (int b = 0; b < stages[stage - 1]; b++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"layer{stage}.{b}");
                int stride = stage > 1 && b == 0 ? 2 : 1;
                _blocks.Add(Add<Module>(depth < 50
                    ? new BasicBlock(scope.Child(name), channels, wide, stride, Shortcut.B, filters)
                    : new Bottleneck(scope.Child(name), channels, wide, stride, filters)));
                units.Add(new FreezableUnit(name));
                channels = depth < 50 ? wide : Bottleneck.Expansion * wide;
            }
        }

        _head = Add(new Linear(scope.Child("fc"), channels, options.NumClasses));
        units.Add(new FreezableUnit("head", ["fc"], IsHead: true));
        Blocks = units;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override int NumClasses { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<FreezableUnit> Blocks { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        var x = _conv1.CallNormalised(input, _bn1, Activation.Relu);
        x = _pool?.Call(x).Releasing(x) ?? x;
        foreach (var block in _blocks)
        {
            x = block.Call(x).Releasing(x);
        }

        return _head.Call(x.Mean([2, 3]));
    }
}

/// <summary>Builds <see cref="ResNet"/> of the usual depths.</summary>
public sealed class ResNetFamily : ModelFamily<ResNetOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["resnet18", "resnet34", "resnet50"];

    /// <inheritdoc/>
    public override string Description => "residual networks of four stages as in torchvision, with a stem for large or small images";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, ResNetOptions options) =>
        new ResNet(scope, int.Parse(name["resnet".Length..], CultureInfo.InvariantCulture), options);
}
