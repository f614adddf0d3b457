using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>Optimizers against PyTorch's formulas in double precision, step by step, through freezing and thawing.</summary>
public sealed class OptimizerTests
{
    // Sizes without a full vector, with a tail, and large enough for several threads.
    private static readonly int[] Sizes = [1, 37, 40_003];

    [Theory]
    [InlineData(0f, false, 0f)]
    [InlineData(0f, false, 0.1f)]
    [InlineData(0.9f, false, 0f)]
    [InlineData(0.9f, false, 0.1f)]
    [InlineData(0.9f, true, 0.1f)]
    public void Sgd_follows_pytorch(float momentum, bool nesterov, float weightDecay)
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), Sizes);
        using var sgd = new Sgd([Group(bag, 0, 1, 1f, weightDecay), Group(bag, 1, 3, 0.5f, weightDecay)], momentum, nesterov);

        Follow(bag, sgd, p => new SgdReference(p, momentum, nesterov, weightDecay));

        Assert.Equal(momentum == 0f ? [] : ["momentum_buffer"], sgd.StateNames);
    }

    [Theory]
    [InlineData(0.9, 0.999, 1e-8f, 0f)]
    [InlineData(0.9, 0.999, 1e-8f, 0.01f)]
    [InlineData(0.5, 0.9, 1e-3f, 0.1f)]
    public void AdamW_follows_pytorch(double beta1, double beta2, float eps, float weightDecay)
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), Sizes);
        using var adamw = new AdamW([Group(bag, 0, 1, 1f, weightDecay), Group(bag, 1, 3, 0.5f, weightDecay)], beta1, beta2, eps);

        Follow(bag, adamw, p => new AdamWReference(p, beta1, beta2, eps, weightDecay));

        Assert.Equal(["exp_avg", "exp_avg_sq"], adamw.StateNames);
    }

    [Fact]
    public void The_gradient_scale_is_applied_before_decay_and_momentum()
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), [37]);
        using var sgd = new Sgd(bag, 0.9f, nesterov: true, weightDecay: 0.1f);
        var parameter = bag.OwnParameters[0];
        var reference = new SgdReference(parameter, 0.9f, true, 0.1f);
        for (ulong step = 0; step < 3; step++)
        {
            float[][] gradients = bag.Backward(step);
            sgd.Step(0.1f, 0.25f);
            sgd.ClearGradients();
            reference.Step([.. gradients[0].Select(g => 0.25 * g)], 0.1f);
        }

        AssertClose(reference.Weights, parameter.Value.ToArray());
    }

    // PyTorch's clip_grad_norm_ before the step: the scale is min(1, limit / (norm + 1e-6)).
    [Theory]
    [InlineData(0.5f)]
    [InlineData(1000f)]
    public void Gradients_are_clipped_by_their_common_norm(float limit)
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), [3, 37, 1009]);
        using var sgd = new Sgd(bag, 0.9f, weightDecay: 0.1f);
        using var norm = new GradientNorm(bag);
        SgdReference[] references = [.. bag.OwnParameters.Select(p => new SgdReference(p, 0.9f, false, 0.1f))];
        for (ulong step = 0; step < 3; step++)
        {
            if (step == 1)
            {
                FreezeState.Empty.Change(["p2"], []).WriteTo(bag);
            }

            // A frozen parameter has no gradient, and no part in the norm.
            int trainable = step == 0 ? 3 : 2;
            double[][] gradients = [.. bag.Backward(step).Take(trainable).Select(g => Array.ConvertAll(g, v => (double)v))];
            double length = Math.Sqrt(gradients.Sum(g => g.Sum(v => v * v)));
            norm.Compute();
            sgd.Step(0.1f, norm, limit);
            Assert.Equal(length, norm.Measure(), 1e-6 * length);
            sgd.ClearGradients();
            double scale = Math.Min(1, limit / (length + 1e-6));
            for (int p = 0; p < trainable; p++)
            {
                references[p].Step(Array.ConvertAll(gradients[p], v => scale * v), 0.1f);
                AssertClose(references[p].Weights, bag.OwnParameters[p].Value.ToArray());
            }
        }
    }

    [Fact]
    public void Released_state_starts_anew()
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), Sizes);
        using var adamw = new AdamW(bag);
        Step(bag, adamw, 0);
        long bytes = test.Engine.Context.Memory.LiveOf(BufferKind.OptimizerState);
        Assert.Equal(2L * sizeof(float) * Sizes.Sum(), bytes);

        adamw.ReleaseState(bag.OwnParameters[2]);

        Assert.Null(adamw.StateOf(bag.OwnParameters[2]));
        Assert.Equal(bytes - (2L * sizeof(float) * Sizes[2]), test.Engine.Context.Memory.LiveOf(BufferKind.OptimizerState));
        Step(bag, adamw, 1);
        Assert.Equal(1, adamw.StateOf(bag.OwnParameters[2])!.Steps);
        Assert.Equal(2, adamw.StateOf(bag.OwnParameters[0])!.Steps);
    }

    [Fact]
    public void Updates_are_one_launch_a_parameter_booked_as_update_on_its_layer()
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5).Child("bag"), Sizes);
        using var sgd = new Sgd(bag, 0.9f);
        Step(bag, sgd, 0);
        var ledger = test.Engine.Context.Launches;
        var trace = new List<LaunchRecord>();
        bag.Backward(1);
        ledger.Trace = trace;
        sgd.Step(0.1f);
        ledger.Trace = null;

        Assert.Equal(Sizes.Length, trace.Count);
        Assert.All(trace, launch => Assert.Equal((SgdKernel.Name, bag.Layer, Phase.Update), (launch.Kernel, launch.Layer, launch.Phase)));
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), Sizes);
        using var adamw = new AdamW(bag);
        Step(bag, adamw, 0);
        Step(bag, adamw, 1);
        bag.Backward(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        adamw.Step(0.1f);
        adamw.ClearGradients();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Wrong_values_and_parameters_are_refused()
    {
        using var test = new TestEngine();
        using var bag = new Bag(ModuleScope.Root(test.Engine, 5), [3]);

        Assert.Equal("sgd: momentum is 1, expected a number from 0 to below 1", Assert.Throws<OptionException>(() => new Sgd(bag, 1f)).Message);
        Assert.Equal("sgd: nesterov needs momentum, which is 0", Assert.Throws<OptionException>(() => new Sgd(bag, 0f, true)).Message);
        Assert.Equal("adamw: beta2 is 1.5, expected a number from 0 to below 1", Assert.Throws<OptionException>(() => new AdamW(bag, 0.9, 1.5)).Message);
        Assert.Equal("adamw: eps is -1, expected a number of at least 0", Assert.Throws<OptionException>(() => new AdamW(bag, eps: -1f)).Message);
        Assert.Contains("p0 is given twice", Assert.Throws<ArgumentException>(() => new Sgd([Group(bag, 0, 1, 1f, 0f), Group(bag, 0, 1, 1f, 0f)])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Sgd([]));
    }

    // Six steps; the middle parameter is frozen for steps 2 and 3, in which nothing of it may change, and goes on from where it stood.
    private static void Follow(Bag bag, Optimizer optimizer, Func<Parameter, Reference> referenceOf)
    {
        var references = bag.OwnParameters.Select(referenceOf).ToArray();
        var state = FreezeState.Empty;
        for (ulong step = 0; step < 6; step++)
        {
            if (step is 2 or 4)
            {
                state = step == 2 ? state.Change(["p1"], []) : state.Change([], ["p1"]);
                state.WriteTo(bag);
            }

            bool frozen = step is 2 or 3;
            float rate = 0.1f / (step + 1);
            var before = Bytes(bag.OwnParameters[1], optimizer);
            float[][] gradients = bag.Backward(step);
            optimizer.Step(rate);
            optimizer.ClearGradients();
            for (int p = 0; p < references.Length; p++)
            {
                if (p != 1 || !frozen)
                {
                    references[p].Step(Array.ConvertAll(gradients[p], g => (double)g), p == 0 ? rate : 0.5f * rate);
                }

                AssertClose(references[p].Weights, bag.OwnParameters[p].Value.ToArray());
            }

            if (frozen)
            {
                Assert.Equal(before, Bytes(bag.OwnParameters[1], optimizer));
                Assert.Equal(2, optimizer.StateOf(bag.OwnParameters[1])!.Steps);
            }
        }

        Assert.Equal(6, optimizer.StateOf(bag.OwnParameters[0])!.Steps);
        Assert.Equal(4, optimizer.StateOf(bag.OwnParameters[1])!.Steps);
    }

    private static void Step(Bag bag, Optimizer optimizer, ulong step)
    {
        bag.Backward(step);
        optimizer.Step(0.1f);
        optimizer.ClearGradients();
    }

    private static float[] Bytes(Parameter parameter, Optimizer optimizer) =>
        [.. parameter.Value.ToArray(), .. optimizer.StateOf(parameter)?.Tensors.SelectMany(t => t.ToArray()) ?? []];

    private static ParameterGroup Group(Bag bag, int from, int to, float factor, float weightDecay) =>
        new([.. bag.OwnParameters.Take(new Range(from, to))], factor, weightDecay);

    // Weights are of the size of 1 and move by about a learning rate a step, each in a handful of roundings (6e-8 each).
    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-6, $"weight {i} is {actual[i]:R}, expected {expected[i]:R}");
        }
    }

    /// <summary>Parameters whose gradients can be chosen: the loss is the sum of parameter times wanted gradient.</summary>
    private sealed class Bag : Module
    {
        public Bag(ModuleScope scope, int[] sizes)
            : base(scope)
        {
            for (int i = 0; i < sizes.Length; i++)
            {
                AddParameter($"p{i}", new Shape(sizes[i]), Initializer.Normal(0f, 1f));
            }
        }

        public float[][] Backward(ulong step)
        {
            float[][] gradients = [.. OwnParameters.Select((p, i) => TestEngine.Uniform(p.Shape.Count, (step * 16) + (ulong)i))];
            using (Engine.BeginStep())
            {
                Tensor? loss = null;
                for (int i = 0; i < gradients.Length; i++)
                {
                    var term = OwnParameters[i].Value.Mul(Engine.FromHost<float>(gradients[i], OwnParameters[i].Shape)).Sum();
                    loss = loss is null ? term : loss.Add(term);
                }

                Engine.Backward(loss!);
            }

            return gradients;
        }

        protected override Tensor Forward(Tensor input) => input;
    }

    private abstract class Reference(Parameter parameter)
    {
        public double[] Weights { get; } = Array.ConvertAll(parameter.Value.ToArray(), w => (double)w);

        public abstract void Step(double[] gradients, float rate);
    }

    private sealed class SgdReference(Parameter parameter, float momentum, bool nesterov, float weightDecay) : Reference(parameter)
    {
        private double[]? _buffer;

        public override void Step(double[] gradients, float rate)
        {
            bool first = _buffer is null;
            _buffer ??= new double[gradients.Length];
            for (int i = 0; i < gradients.Length; i++)
            {
                double g = gradients[i] + (weightDecay * Weights[i]);
                if (momentum != 0)
                {
                    _buffer[i] = first ? g : (momentum * _buffer[i]) + g;
                    g = nesterov ? g + (momentum * _buffer[i]) : _buffer[i];
                }

                Weights[i] -= rate * g;
            }
        }
    }

    private sealed class AdamWReference(Parameter parameter, double beta1, double beta2, float eps, float weightDecay) : Reference(parameter)
    {
        private double[]? _mean, _square;
        private int _step;

        public override void Step(double[] gradients, float rate)
        {
            _mean ??= new double[gradients.Length];
            _square ??= new double[gradients.Length];
            _step++;
            double correction1 = 1 - Math.Pow(beta1, _step), correction2 = 1 - Math.Pow(beta2, _step);
            for (int i = 0; i < gradients.Length; i++)
            {
                double g = gradients[i];
                Weights[i] *= 1 - (rate * (double)weightDecay);
                _mean[i] = (beta1 * _mean[i]) + ((1 - beta1) * g);
                _square[i] = (beta2 * _square[i]) + ((1 - beta2) * g * g);
                Weights[i] -= rate / correction1 * _mean[i] / (Math.Sqrt(_square[i] / correction2) + eps);
            }
        }
    }
}
