using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Two 3x3 convolutions with batch normalisation, and a shortcut around them.</summary>
internal sealed class BasicBlock : Module
{
    private readonly Conv2d _conv1, _conv2;
    private readonly BatchNorm2d _bn1, _bn2;
    private readonly Conv2d? _project;
    private readonly BatchNorm2d? _projectNorm;
    private readonly int _stride, _newChannels;

    public BasicBlock(ModuleScope scope, int inChannels, int outChannels, int stride, Shortcut shortcut, Initializer? filters = null)
        : base(scope)
    {
        _conv1 = Add(new Conv2d(scope.Child("conv1"), inChannels, outChannels, 3, new Conv2dOptions(stride, 1), bias: false, filters));
        _bn1 = Add(new BatchNorm2d(scope.Child("bn1"), outChannels));
        _conv2 = Add(new Conv2d(scope.Child("conv2"), outChannels, outChannels, 3, new Conv2dOptions(1, 1), bias: false, filters));
        _bn2 = Add(new BatchNorm2d(scope.Child("bn2"), outChannels));
        if (stride == 1 && inChannels == outChannels)
        {
            return;
        }

        if (shortcut == Shortcut.A)
        {
            (_stride, _newChannels) = (stride, outChannels - inChannels);
        }
        else
        {
            _project = Add(new Conv2d(
                scope.Child("downsample.0"), inChannels, outChannels, 1, new Conv2dOptions(stride, 0), bias: false, filters));
            _projectNorm = Add(new BatchNorm2d(scope.Child("downsample.1"), outChannels));
        }
    }

    protected override Tensor Forward(Tensor input)
    {
        var shortcut = _project is not null ? _project.CallNormalised(input, _projectNorm!)
            : _stride > 0 ? Subsampled(input)
            : input;
        return _conv2.CallNormalised(_conv1.CallNormalised(input, _bn1, Activation.Relu), _bn2, Activation.Relu, shortcut);
    }

    // Every stride-th row and column from the first on, and zero channels, half of the new ones on each side.
    private Tensor Subsampled(Tensor input)
    {
        var (n, c, h, w) = (input.Shape[0], input.Shape[1], input.Shape[2], input.Shape[3]);
        var sampled = input.Slice(
            new AxisRange(0, n),
            new AxisRange(0, c),
            new AxisRange(0, (h + _stride - 1) / _stride, _stride),
            new AxisRange(0, (w + _stride - 1) / _stride, _stride));
        return sampled.Pad(1, _newChannels / 2, _newChannels - (_newChannels / 2));
    }
}
