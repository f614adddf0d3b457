using System.Globalization;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The options of <see cref="Vgg"/>.</summary>
public sealed record VggOptions : IFormBySize
{
    /// <summary>Classes.</summary>
    /// <value>Default 1000.</value>
    public int NumClasses { get; init; } = 1000;

    /// <summary>Channels of the input.</summary>
    /// <value>Default 3.</value>
    public int InChannels { get; init; } = 3;

    /// <summary>Rows and columns of the input, at least 32: they are halved five times.</summary>
    /// <value>Default 224, or 32 without hidden layers.</value>
    public int? ImageSize { get; init; }

    /// <summary>Channels of the first convolution, before they are divided; the last ones have eight times as many.</summary>
    /// <value>Default 64.</value>
    public int Width { get; init; } = 64;

    /// <summary>Divides the channels of all convolutions.</summary>
    /// <value>Default 1.</value>
    public int WidthDivisor { get; init; } = 1;

    /// <summary>
    /// Units of each of the two hidden layers behind averages of 7x7 windows, as in the paper; 0 for one linear layer on the average of each
    /// channel, the usual form for small images.
    /// </summary>
    /// <value>Default 0 for an image size of 64 and less, else 4096.</value>
    public int? Hidden { get; init; }

    /// <summary>The share of hidden units that become zero in training.</summary>
    /// <value>Default 0.5.</value>
    public float Dropout { get; init; } = 0.5f;
}

/// <summary>
/// The network of eight 3x3 convolutions with ReLU, with or without batch normalisation, and five halvings by maxima; then a classifier.
/// </summary>
/// <remarks>
/// Parameters have torchvision's names and begin as there: filters normal with deviation sqrt(2 / fan_out), weights of linear layers normal
/// with deviation 0.01, biases zero, batch normalisation as the identity. Without hidden layers the head is named <c>classifier</c>.
/// Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (arXiv 1409.1556), configuration A.
/// </remarks>
public sealed class Vgg : Network
{
    // Rows and columns that all images are brought to before hidden layers, units of those, and halvings of the image.
    private const int Pooled = 7, UsualHidden = 4096, Halvings = 5;

    // Configuration A: channels in units of the width; 0 is a maximum of 2x2.
    private static readonly int[] Plan = [1, 0, 2, 0, 4, 4, 0, 8, 8, 0, 8, 8, 0];

    private readonly List<Feature> _features = [];
    private readonly AdaptiveAvgPool2d _pool;
    private readonly List<Module> _classifier = [];

    /// <summary>A network with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below its least value, or the dropout outside [0, 1).</exception>
    public Vgg(ModuleScope scope, bool normalised, VggOptions options)
        : base(scope)
    {
        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1 << Halvings, options.ImageSize ?? 1 << Halvings, "model.image_size");
        OptionBinder.RequireAtLeast(1, options.Width, "model.width");
        OptionBinder.RequireAtLeast(0, options.Hidden ?? 0, "model.hidden");
        ModelOptions.RequireMultiple(options.Width, "width", options.WidthDivisor, "width_divisor");
        ModelOptions.RequireDropout(options.Dropout);
        Name = normalised ? "vgg11_bn" : "vgg11";
        int hidden = options.Hidden ?? (ModelOptions.IsSmall(options.ImageSize) ? 0 : UsualHidden);
        int side = ModelOptions.SizeOf(options.ImageSize, small: hidden == 0);
        InputShape = new Shape(options.InChannels, side, side);
        NumClasses = options.NumClasses;
        var units = new List<FreezableUnit>();
        int channels = AddFeatures(scope, normalised, options, units);
        if (hidden == 0)
        {
            _pool = Add(new AdaptiveAvgPool2d(scope.Child("avgpool"), 1, 1));
            _classifier.Add(Add(Dense(scope.Child("classifier"), channels, options.NumClasses)));
            units.Add(new FreezableUnit("head", ["classifier"], IsHead: true));
        }
        else
        {
            _pool = Add(new AdaptiveAvgPool2d(scope.Child("avgpool"), Pooled, Pooled));
            AddHidden(scope, 0, channels * Pooled * Pooled, hidden, options.Dropout, units);
            AddHidden(scope, 3, hidden, hidden, options.Dropout, units);
            _classifier.Add(Add(Dense(scope.Child("classifier.6"), hidden, options.NumClasses)));
            units.Add(new FreezableUnit("head", ["classifier.6"], IsHead: true));
        }

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
        var x = input;
        foreach (var feature in _features)
        {
            var next = feature.Of(x);
            x = ReferenceEquals(x, input) ? next : next.Releasing(x);
        }

        x = _pool.Call(x).Releasing(x);
        x = x.Flatten().Releasing(x);
        foreach (var layer in _classifier)
        {
            x = layer.Call(x).Releasing(x);
        }

        return x;
    }

    private static Linear Dense(ModuleScope scope, int inFeatures, int outFeatures) =>
        new(scope, inFeatures, outFeatures, bias: true, Initializer.Normal(0f, 0.01f), Initializer.Zero);

    private int AddFeatures(ModuleScope scope, bool normalised, VggOptions options, List<FreezableUnit> units)
    {
        int channels = options.InChannels, place = 0;
        for (int i = 0; i < Plan.Length; i++)
        {
            if (Plan[i] == 0)
            {
                continue;
            }

            var conv = Add(new Conv2d(
                Next(), channels, Plan[i] * options.Width / options.WidthDivisor, 3, new Conv2dOptions(1, 1), bias: true, Initializer.KaimingNormalFanOut, Initializer.Zero));
            channels = Plan[i] * options.Width / options.WidthDivisor;
            var norm = normalised ? Add(new BatchNorm2d(Next(), channels)) : null;
            var relu = Add(new Relu(Next()));
            _features.Add(new Feature(conv, norm, relu, Plan[i + 1] == 0 ? Add(new MaxPool2d(Next(), 2)) : null));
            units.Add(new FreezableUnit(conv.Path, norm is null ? [conv.Path] : [conv.Path, norm.Path]));
        }

        return channels;

        ModuleScope Next() => scope.Child(string.Create(CultureInfo.InvariantCulture, $"features.{place++}"));
    }

    // A linear layer, ReLU, dropout, numbered from that place on. The dropout freezes with its layer.
    private void AddHidden(ModuleScope scope, int place, int inFeatures, int hidden, float share, List<FreezableUnit> units)
    {
        ModuleScope At(int i) => scope.Child(string.Create(CultureInfo.InvariantCulture, $"classifier.{place + i}"));
        var (linear, dropout) = (Dense(At(0), inFeatures, hidden), new Dropout(At(2), share));
        _classifier.AddRange([Add(linear), Add(new Relu(At(1))), Add(dropout)]);
        units.Add(new FreezableUnit(linear.Path, [linear.Path, dropout.Path]));
    }

    /// <summary>A convolution and what follows it.</summary>
    private sealed record Feature(Conv2d Conv, BatchNorm2d? Norm, Relu Relu, MaxPool2d? Pool)
    {
        public Tensor Of(Tensor input)
        {
            var x = Norm is null ? Rectified(input) : Conv.CallNormalised(input, Norm, Activation.Relu);
            return Pool?.Call(x).Releasing(x) ?? x;
        }

        private Tensor Rectified(Tensor input)
        {
            var sum = Conv.Call(input);
            return Relu.Call(sum).Releasing(sum);
        }
    }
}

/// <summary>Builds <see cref="Vgg"/>.</summary>
public sealed class VggFamily : ModelFamily<VggOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["vgg11", "vgg11_bn"];

    /// <inheritdoc/>
    public override string Description => "eight 3x3 convolutions as in torchvision, with (_bn) or without batch normalisation";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, VggOptions options) => new Vgg(scope, name == "vgg11_bn", options);
}
