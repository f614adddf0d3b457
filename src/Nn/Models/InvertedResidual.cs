using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// A 1x1 convolution that widens, a 3x3 convolution of each channel by itself, and a 1x1 convolution that narrows again; normalised, with
/// ReLU6 after the first two; a shortcut around them where the shape stays.
/// </summary>
internal sealed class InvertedResidual : Module
{
    private readonly Conv2d? _expand;
    private readonly BatchNorm2d? _expandNorm;
    private readonly Conv2d _depthwise, _project;
    private readonly BatchNorm2d _depthwiseNorm, _projectNorm;
    private readonly bool _hasShortcut;

    public InvertedResidual(ModuleScope scope, int inChannels, int outChannels, int stride, int expansion, Initializer filters)
        : base(scope)
    {
        int wide = inChannels * expansion;
        string depthwise = "conv.0", project = "conv.1", norm = "conv.2";
        if (expansion > 1)
        {
            _expand = Add(new Conv2d(scope.Child("conv.0.0"), inChannels, wide, 1, new Conv2dOptions(1, 0), bias: false, filters));
            _expandNorm = Add(new BatchNorm2d(scope.Child("conv.0.1"), wide));
            (depthwise, project, norm) = ("conv.1", "conv.2", "conv.3");
        }

        _depthwise = Add(new Conv2d(scope.Child($"{depthwise}.0"), wide, wide, 3, new Conv2dOptions(stride, 1, groups: wide), bias: false, filters));
        _depthwiseNorm = Add(new BatchNorm2d(scope.Child($"{depthwise}.1"), wide));
        _project = Add(new Conv2d(scope.Child(project), wide, outChannels, 1, new Conv2dOptions(1, 0), bias: false, filters));
        _projectNorm = Add(new BatchNorm2d(scope.Child(norm), outChannels));
        _hasShortcut = stride == 1 && inChannels == outChannels;
    }

    protected override Tensor Forward(Tensor input)
    {
        var x = input;
        if (_expand is not null)
        {
            x = _expand.CallNormalised(x, _expandNorm!, Activation.Relu6);
            x = _depthwise.CallNormalised(x, _depthwiseNorm, Activation.Relu6).Releasing(x);
        }
        else
        {
            x = _depthwise.CallNormalised(x, _depthwiseNorm, Activation.Relu6);
        }

        return _project.CallNormalised(x, _projectNorm, Activation.None, _hasShortcut ? input : null);
    }
}
