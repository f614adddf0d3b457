using System.Globalization;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The options of <see cref="MobileNetV2"/>.</summary>
public sealed record MobileNetV2Options : IFormBySize
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

    /// <summary>Multiplies the channels of all layers, which are rounded to multiples of 8; those of the last convolution only from 1 on.</summary>
    /// <value>Default 1.</value>
    public double WidthMult { get; init; } = 1;

    /// <summary>The stages: expansion, channels, blocks, and the stride of the first of them, each.</summary>
    /// <value>Default as table 2 of the paper.</value>
    public IReadOnlyList<IReadOnlyList<int>> Setting { get; init; } =
        [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

    /// <summary>The share of the features that become zero before the head in training.</summary>
    /// <value>Default 0.2.</value>
    public float Dropout { get; init; } = 0.2f;

    /// <summary>The stem: imagenet halves the image in the first layer and in the second stage, cifar in neither.</summary>
    /// <value>Default cifar for an image size of 64 and less, else imagenet.</value>
    public Stem? Stem { get; init; }
}

/// <summary>
/// The network of seventeen inverted residual blocks with convolutions of single channels, between a 3x3 and a 1x1 convolution; global
/// average pooling, dropout, a linear head.
/// </summary>
/// <remarks>
/// Parameters have torchvision's names and begin as there: filters normal with deviation sqrt(2 / fan_out), batch normalisation as the
/// identity, the head's weight normal with deviation 0.01, its bias zero.
/// Source: Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (arXiv 1801.04381), table 2.
/// The stem for small images is the usual one of its CIFAR forms.
/// </remarks>
public sealed class MobileNetV2 : Network
{
    private const int StemChannels = 32, LastChannels = 1280;


    private readonly Conv2d _stem, _last;
    private readonly BatchNorm2d _stemNorm, _lastNorm;
    private readonly List<InvertedResidual> _blocks = [];
    private readonly Dropout _dropout;
    private readonly Linear _head;

    /// <summary>A network with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below its least value, the width not above 0, or the dropout outside [0, 1).</exception>
    public MobileNetV2(ModuleScope scope, MobileNetV2Options options)
        : base(scope)
    {
        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1, options.ImageSize ?? 1, "model.image_size");
        ModelOptions.RequireDropout(options.Dropout);
        if (options.WidthMult is not (> 0 and < double.PositiveInfinity))
        {
            throw new OptionException(FormattableString.Invariant($"option 'model.width_mult' is {options.WidthMult}, expected a number above 0"));
        }

        NumClasses = options.NumClasses;
        var filters = Initializer.KaimingNormalFanOut;
        bool large = (options.Stem ?? ModelOptions.StemFor(options.ImageSize)) == Stem.Imagenet;
        int side = ModelOptions.SizeOf(options.ImageSize, small: !large);
        InputShape = new Shape(options.InChannels, side, side);
        int channels = Rounded(StemChannels * options.WidthMult);
        _stem = Add(new Conv2d(scope.Child("features.0.0"), options.InChannels, channels, 3, new Conv2dOptions(large ? 2 : 1, 1), bias: false, filters));
        _stemNorm = Add(new BatchNorm2d(scope.Child("features.0.1"), channels));
        var units = new List<FreezableUnit> { new("stem", ["features.0"]) };
        for (int stage = 0; stage < options.Setting.Count; stage++)
        {
            var (expansion, of, blocks, first) = StageOf(options.Setting, stage);
            int outChannels = Rounded(of * options.WidthMult);
            for (int b = 0; b < blocks; b++)
            {
                int stride = b > 0 || (stage == 1 && !large) ? 1 : first;
                var unit = NextUnit(units);
                _blocks.Add(Add(new InvertedResidual(scope.Child(unit.Name), channels, outChannels, stride, expansion, filters)));
                channels = outChannels;
            }
        }

        string last = NextUnit(units).Name;
        int wide = Rounded(LastChannels * Math.Max(1, options.WidthMult));
        _last = Add(new Conv2d(scope.Child($"{last}.0"), channels, wide, 1, new Conv2dOptions(1, 0), bias: false, filters));
        _lastNorm = Add(new BatchNorm2d(scope.Child($"{last}.1"), wide));
        _dropout = Add(new Dropout(scope.Child("classifier.0"), options.Dropout));
        _head = Add(new Linear(scope.Child("classifier.1"), wide, options.NumClasses, bias: true, Initializer.Normal(0f, 0.01f), Initializer.Zero));
        units.Add(new FreezableUnit("head", ["classifier"], IsHead: true));
        Blocks = units;
    }

    /// <inheritdoc/>
    public override string Name => "mobilenet_v2";

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override int NumClasses { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<FreezableUnit> Blocks { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        var x = _stem.CallNormalised(input, _stemNorm, Activation.Relu6);
        foreach (var block in _blocks)
        {
            x = block.Call(x).Releasing(x);
        }

        x = _last.CallNormalised(x, _lastNorm, Activation.Relu6).Releasing(x);
        x = x.Mean([2, 3]).Releasing(x);
        return _head.Call(_dropout.Call(x));
    }

    private static (int Expansion, int Channels, int Blocks, int Stride) StageOf(IReadOnlyList<IReadOnlyList<int>> setting, int stage)
    {
        var numbers = setting[stage];
        return numbers.Count == 4 && numbers.All(n => n >= 1)
            ? (numbers[0], numbers[1], numbers[2], numbers[3])
            : throw new OptionException($"option 'model.setting' has stage [{string.Join(',', numbers)}], expected four numbers [expansion,channels,blocks,stride] of at least 1");
    }

    private static FreezableUnit NextUnit(List<FreezableUnit> units)
    {
        var unit = new FreezableUnit(string.Create(CultureInfo.InvariantCulture, $"features.{units.Count}"));
        units.Add(unit);
        return unit;
    }

    // The nearest multiple of 8 that is not more than a tenth below: torchvision's rule.
    private static int Rounded(double channels)
    {
        int rounded = Math.Max(8, (int)(channels + 4) / 8 * 8);
        return rounded < 0.9 * channels ? rounded + 8 : rounded;
    }
}

/// <summary>Builds <see cref="MobileNetV2"/>.</summary>
public sealed class MobileNetV2Family : ModelFamily<MobileNetV2Options>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["mobilenet_v2"];

    /// <inheritdoc/>
    public override string Description => "inverted residuals with depthwise convolutions as in torchvision, with a stem for large or small images";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, MobileNetV2Options options) => new MobileNetV2(scope, options);
}
