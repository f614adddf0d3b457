using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The options of <see cref="Cnn"/>.</summary>
public sealed record CnnOptions
{
    /// <summary>Classes.</summary>
    /// <value>Default 10.</value>
    public int NumClasses { get; init; } = 10;

    /// <summary>Channels of the input.</summary>
    /// <value>Default 1.</value>
    public int InChannels { get; init; } = 1;

    /// <summary>Rows and columns of the input, a multiple of 4.</summary>
    /// <value>Default 28.</value>
    public int ImageSize { get; init; } = 28;

    /// <summary>Channels of the first convolution; the second has twice as many.</summary>
    /// <value>Default 16.</value>
    public int Width { get; init; } = 16;

    /// <summary>Units of the hidden linear layer.</summary>
    /// <value>Default 64.</value>
    public int Hidden { get; init; } = 64;
}

/// <summary>
/// A small convolutional network: conv 3x3, ReLU, pool, conv 3x3, ReLU, pool, linear, ReLU, linear.
/// </summary>
public sealed class Cnn : Network
{
    private readonly Conv2d _conv1, _conv2;
    private readonly Linear _fc1, _fc2;

    /// <summary>A network with fresh parameters.</summary>
    /// <exception cref="OptionException">A size is below 1, or the image size is no multiple of 4.</exception>
    public Cnn(ModuleScope scope, CnnOptions options)
        : base(scope)
    {
        if (options.ImageSize < 4 || options.ImageSize % 4 != 0)
        {
            throw new OptionException($"option 'model.image_size' is {options.ImageSize}, cnn expects a positive multiple of 4");
        }

        OptionBinder.RequireAtLeast(1, options.NumClasses, "model.num_classes");
        OptionBinder.RequireAtLeast(1, options.InChannels, "model.in_channels");
        OptionBinder.RequireAtLeast(1, options.Width, "model.width");
        OptionBinder.RequireAtLeast(1, options.Hidden, "model.hidden");
        InputShape = new Shape(options.InChannels, options.ImageSize, options.ImageSize);
        NumClasses = options.NumClasses;
        int width = options.Width, side = options.ImageSize / 4;
        var same = new Conv2dOptions(stride: 1, padding: 1);
        _conv1 = Add(new Conv2d(scope.Child("conv1"), options.InChannels, width, 3, same));
        _conv2 = Add(new Conv2d(scope.Child("conv2"), width, 2 * width, 3, same));
        _fc1 = Add(new Linear(scope.Child("fc1"), 2 * width * side * side, options.Hidden));
        _fc2 = Add(new Linear(scope.Child("fc2"), options.Hidden, options.NumClasses));
    }

    /// <inheritdoc/>
    public override string Name => "cnn";

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override int NumClasses { get; }

    /// <inheritdoc/>
    protected override IReadOnlyList<FreezableUnit> Blocks { get; } =
        [new FreezableUnit("conv1"), new FreezableUnit("conv2"), new FreezableUnit("fc1"), new FreezableUnit("fc2", ["fc2"], IsHead: true)];

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        var x = _conv1.Call(input).Relu().MaxPool2d(2, 2);
        x = _conv2.Call(x).Relu().MaxPool2d(2, 2);
        return _fc2.Call(_fc1.Call(x.Flatten()).Relu());
    }
}

/// <summary>Builds <see cref="Cnn"/>.</summary>
public sealed class CnnFamily : ModelFamily<CnnOptions>
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = ["cnn"];

    /// <inheritdoc/>
    public override string Description => "two 3x3 convolutions with pooling and two linear layers, for small images";

    /// <inheritdoc/>
    protected override Network Build(ModuleScope scope, string name, CnnOptions options) => new Cnn(scope, options);
}
