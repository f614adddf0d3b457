using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// A 1x1, a 3x3 and a 1x1 convolution with batch normalisation, and a shortcut around them. The 3x3 has the stride, as in torchvision
/// ("v1.5"), and the last has <see cref="Expansion"/> times the channels of the others.
/// </summary>
internal sealed class Bottleneck : Module
{
    public const int Expansion = 4;

    private readonly Conv2d _conv1, _conv2, _conv3;
    private readonly BatchNorm2d _bn1, _bn2, _bn3;
    private readonly Conv2d? _project;
    private readonly BatchNorm2d? _projectNorm;

    public Bottleneck(ModuleScope scope, int inChannels, int channels, int stride, Initializer filters)
        : base(scope)
    {
        int outChannels = Expansion * channels;
        _conv1 = Add(new Conv2d(scope.Child("conv1"), inChannels, channels, 1, new Conv2dOptions(1, 0), bias: false, filters));
        _bn1 = Add(new BatchNorm2d(scope.Child("bn1"), channels));
        _conv2 = Add(new Conv2d(scope.Child("conv2"), channels, channels, 3, new Conv2dOptions(stride, 1), bias: false, filters));
        _bn2 = Add(new BatchNorm2d(scope.Child("bn2"), channels));
        _conv3 = Add(new Conv2d(scope.Child("conv3"), channels, outChannels, 1, new Conv2dOptions(1, 0), bias: false, filters));
        _bn3 = Add(new BatchNorm2d(scope.Child("bn3"), outChannels));
        if (stride != 1 || inChannels != outChannels)
        {
            _project = Add(new Conv2d(
                scope.Child("downsample.0"), inChannels, outChannels, 1, new Conv2dOptions(stride, 0), bias: false, filters));
            _projectNorm = Add(new BatchNorm2d(scope.Child("downsample.1"), outChannels));
        }
    }

    protected override Tensor Forward(Tensor input)
    {
        var x = _conv1.CallNormalised(input, _bn1, Activation.Relu);
        x = _conv2.CallNormalised(x, _bn2, Activation.Relu).Releasing(x);
        var shortcut = _project?.CallNormalised(input, _projectNorm!) ?? input;
        return _conv3.CallNormalised(x, _bn3, Activation.Relu, shortcut);
    }
}
