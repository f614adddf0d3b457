using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests.Training;

/// <summary>A network with everything a checkpoint must hold: convolutions, running statistics, counters, a head.</summary>
internal sealed class TinyNet : Network
{
    private readonly Conv2d _conv1, _conv2;
    private readonly BatchNorm2d _bn1, _bn2;
    private readonly Linear _head;

    public TinyNet(ModuleScope scope, int width = 4)
        : base(scope)
    {
        _conv1 = Add(new Conv2d(scope.Child("conv1"), 1, width, 3, new Conv2dOptions(1, 1), bias: false));
        _bn1 = Add(new BatchNorm2d(scope.Child("bn1"), width));
        _conv2 = Add(new Conv2d(scope.Child("conv2"), width, width, 3, new Conv2dOptions(2, 1), bias: false));
        _bn2 = Add(new BatchNorm2d(scope.Child("bn2"), width));
        _head = Add(new Linear(scope.Child("head"), width * 16, NumClasses));
    }

    public override string Name => "tiny";

    public override Shape InputShape { get; } = new(1, 8, 8);

    public override int NumClasses => TinyData.Classes;

    protected override IReadOnlyList<FreezableUnit> Blocks { get; } =
        [new FreezableUnit("stem", ["conv1", "bn1"]), new FreezableUnit("block", ["conv2", "bn2"]), new FreezableUnit("head", ["head"], IsHead: true)];

    protected override Tensor Forward(Tensor input)
    {
        var x = _bn1.CallRelu(_conv1.Call(input));
        return _head.Call(_bn2.CallRelu(_conv2.Call(x)).Flatten());
    }
}
