using System.Globalization;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>What a residual block's shortcut does where the shape changes.</summary>
public enum Shortcut
{
    /// <summary>Without parameters: every second row and column, zero channels before and after.</summary>
    A,

    /// <summary>A 1x1 convolution and batch normalisation.</summary>
    B,
}

/// <summary>The options of <see cref="CifarResNet"/>.</summary>
public sealed record CifarResNetOptions
{
    /// <summary>Classes.</summary>
    /// <value>Default 10.</value>
    public int NumClasses { get; init; } = 10;

    /// <summary>Channels of the input.</summary>
    /// <value>Default 3.</value>
    public int InChannels { get; init; } = 3;

    /// <summary>Rows and columns of the input; any size works, this one is used where no data says otherwise.</summary>
    /// <value>Default 32.</value>
    public int ImageSize { get; init; } = 32;

    /// <summary>Channels of the first stage; the next two have twice and four times as many.</summary>
    /// <value>Default 16.</value>
    public int Width { get; init; } = 16;

    /// <summary>The shortcut where the shape changes.</summary>
    /// <value>Default A, as in the paper's CIFAR experiments.</value>
    public Shortcut Shortcut { get; init; } = Shortcut.A;
}

/// <summary>
/// The residual networks for small images: a 3x3 stem, three stages of basic blocks, global average pooling, a linear head.
/// </summary>
/// <remarks>Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), section 4.2.</remarks>
public sealed class CifarResNet : Network
{
    private readonly Conv2d _conv1;
    private readonly BatchNorm2d _bn1;
    private readonly List<BasicBlock> _blocks = [];
    private readonly Linear _head;

    /// <summary>A network of depth 6n+2 with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below 1.</exception>
    public CifarResNet(ModuleScope scope, int depth, CifarResNetOptions options)
        : base(scope)
    {
        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1, options.ImageSize, "model.image_size");
        OptionBinder.RequireAtLeast(1, options.Width, "model.width");
        Name = string.Create(CultureInfo.InvariantCulture, $"resnet{depth}");
        InputShape = new Shape(options.InChannels, options.ImageSize, options.ImageSize);
        NumClasses = options.NumClasses;
        var units = new List<FreezableUnit> { new("stem", ["conv1", "bn1"]) };
        _conv1 = Add(new Conv2d(scope.Child("conv1"), options.InChannels, options.Width, 3, new Conv2dOptions(1, 1), bias: false));
        _bn1 = Add(new BatchNorm2d(scope.Child("bn1"), options.Width));
        int channels = options.Width;
        for (int stage = 1; stage <= 3; stage++)
        {
            int wide = options.Width << (stage - 1);
            for (int b = 0; b < (depth - 2) / 6; b++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"layer{stage}.{b}");
                _blocks.Add(Add(new BasicBlock(scope.Child(name), channels, wide, stage > 1 && b == 0 ? 2 : 1, options.Shortcut)));
                units.Add(new FreezableUnit(name));
                channels = wide;
            }
        }

        _head = Add(new Linear(scope.Child("linear"), channels, options.NumClasses));
        units.Add(new FreezableUnit("head", ["linear"], IsHead: true));
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
        foreach (var block in _blocks)
        {
            x = block.Call(x).Releasing(x);
        }

        return _head.Call(x.Mean([2, 3]));
    }
}

/// <summary>Builds <see cref="CifarResNet"/> of the usual depths.</summary>
public sealed class CifarResNetFamily : ModelFamily<CifarResNetOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["resnet8", "resnet20", "resnet32", "resnet44", "resnet56"];

    /// <inheritdoc/>
    public override string Description => "residual networks for small images, with basic blocks";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, CifarResNetOptions options) =>
        new CifarResNet(scope, int.Parse(name["resnet".Length..], CultureInfo.InvariantCulture), options);
}
