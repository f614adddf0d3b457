using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Tensors.Tests;

/// <summary>Activations that only the tape still wants are given back and computed again: the same gradients from less memory, as planned.</summary>
public sealed class RebuildTests : IDisposable
{
    private static readonly Shape Images = new(4, 3, 9, 7);

    private readonly CpuDevice _device = new(threads: 2);

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.Relu6)]
    public void The_same_bits_from_less_memory(Activation activation)
    {
        var kept = Train(rebuilds: false, activation, out long keptBytes, out long keptLaunches);
        var rebuilt = Train(rebuilds: true, activation, out long rebuiltBytes, out long rebuiltLaunches);

        Assert.Equal(kept, rebuilt);
        Assert.Equal(keptBytes - (Images.Count / 3 * 5 * sizeof(float)), rebuiltBytes);
        Assert.Equal(keptLaunches + 1, rebuiltLaunches);
    }

    [Fact]
    public void What_somebody_still_holds_is_kept()
    {
        using var network = new Network(_device);
        using (network.Engine.BeginStep())
        {
            var (hidden, loss) = network.Run(Activation.Relu, inScope: false);
            var before = hidden.ToArray();
            network.Engine.Backward(loss);
            Assert.Equal(before, hidden.ToArray());
        }

        Assert.DoesNotContain(network.Engine.LastPlan!.Steps, s => s.Makers.Any(m => m is not null));
    }

    [Fact]
    public void Plan_and_ledger_agree_and_a_plan_is_used_for_its_own_memory_alone()
    {
        using var network = new Network(_device);
        network.Engine.Context.PoisonReleasedMemory = true;
        var plans = new List<BackwardPlan>();
        foreach (bool inScope in new[] { true, false, true })
        {
            var ledger = network.Engine.Context.Launches;
            var (input, weight) = (ledger[Phase.BackwardInput], ledger[Phase.BackwardWeight]);
            using (network.Engine.BeginStep())
            {
                network.Engine.Backward(network.Run(Activation.Relu, inScope).Loss);
            }

            var plan = network.Engine.LastPlan!;
            Assert.Equal(plan.BackwardInput.Launches, ledger[Phase.BackwardInput].Launches - input.Launches);
            Assert.Equal(plan.BackwardInput.Flops, ledger[Phase.BackwardInput].Flops - input.Flops);
            Assert.Equal(plan.BackwardWeight.Bytes, ledger[Phase.BackwardWeight].Bytes - weight.Bytes);
            plans.Add(plan);
            network.ClearGradients();
        }

        Assert.Same(plans[0], plans[2]);
        Assert.NotSame(plans[0], plans[1]);
        Assert.Equal(plans[1].BackwardInput.Launches + 1, plans[0].BackwardInput.Launches);
    }

    [Fact]
    public void Freezing_what_wants_it_saves_the_rebuilding()
    {
        using var network = new Network(_device);
        using (network.Engine.BeginStep())
        {
            network.Engine.Backward(network.Run(Activation.Relu, inScope: true).Loss);
        }

        var all = network.Engine.LastPlan!;
        var (input, weight) = all.WithFrozen(v => ReferenceEquals(v, network.Second));
        network.Second.RequiresGrad = false;
        using (network.Engine.BeginStep())
        {
            network.Engine.Backward(network.Run(Activation.Relu, inScope: true).Loss);
        }

        Assert.Equal(network.Engine.LastPlan!.BackwardInput, input);
        Assert.Equal(network.Engine.LastPlan.BackwardWeight, weight);
        Assert.Equal(all.BackwardInput.Launches - 1, input.Launches);
    }

    private float[] Train(bool rebuilds, Activation activation, out long saved, out long launches)
    {
        using var network = new Network(_device);
        network.Engine.RebuildsActivations = rebuilds;
        network.Engine.Context.PoisonReleasedMemory = true;
        using (network.Engine.BeginStep())
        {
            var loss = network.Run(activation, inScope: true).Loss;
            saved = network.Engine.Context.Memory.LiveOf(BufferKind.SavedActivation);
            network.Engine.Backward(loss);
        }

        launches = network.Engine.Context.Launches.Total.Launches;
        return [.. network.Gradients()];
    }

    // Two convolutions with a normalisation and its ReLU between them.
    private sealed class Network : IDisposable
    {
        private readonly Variable[] _all;
        private readonly Tensor _mean, _variance;
        private readonly float[] _x;

        public Network(Device device)
        {
            Engine = new Engine(device);
            var random = new Random(7);
            Variable New(params int[] extents)
            {
                var variable = new Variable(Engine, new Shape(extents), default);
                variable.Value.CopyFrom(Draw(random, variable.Value.Shape.Count));
                return variable;
            }

            _all = [New(5, 3, 3, 3), New(5), New(5), New(2, 5, 3, 3)];
            _mean = Engine.NewPersistent(new Shape(5), DType.F32, BufferKind.Parameter);
            _variance = Engine.NewPersistent(new Shape(5), DType.F32, BufferKind.Parameter);
            _mean.CopyFrom(new float[5]);
            _variance.CopyFrom([1, 1, 1, 1, 1]);
            _x = Draw(random, Images.Count);
        }

        public Engine Engine { get; }

        public Variable Second => _all[3];

        public (Tensor Hidden, Tensor Loss) Run(Activation activation, bool inScope)
        {
            var x = Engine.FromHost<float>(_x, Images);
            if (!inScope)
            {
                var hidden = Hidden(x, activation);
                return (hidden, Loss(hidden));
            }

            var scope = Engine.BeginScope();
            var inner = Hidden(x, activation);
            return (inner, scope.Return(Loss(inner)));
        }

        public IEnumerable<float> Gradients() => _all.SelectMany(Gradient);

        public void ClearGradients() => Array.ForEach(_all, v => v.ClearGradient());

        public void Dispose()
        {
            foreach (var variable in _all)
            {
                variable.Dispose();
            }

            _mean.Dispose();
            _variance.Dispose();
            Engine.Dispose();
        }

        private static float[] Draw(Random random, long count) => [.. Enumerable.Range(0, (int)count).Select(_ => (random.NextSingle() * 2) - 1)];

        private float[] Gradient(Variable variable)
        {
            var values = new float[variable.Value.Shape.Count];
            Engine.Context.Download<float>(variable.Gradient, values);
            return values;
        }

        private Tensor Hidden(Tensor x, Activation activation) =>
            x.Conv2d(_all[0].Value, null, new Conv2dOptions(padding: 1)).BatchNormTrain(_all[1].Value, _all[2].Value, _mean, _variance, 0.1f, 1e-5f, activation);

        private Tensor Loss(Tensor hidden)
        {
            var y = hidden.Conv2d(Second.Value, null, new Conv2dOptions(padding: 1));
            return y.Mul(y).Sum();
        }
    }
}
