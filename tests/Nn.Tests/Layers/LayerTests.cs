using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

public sealed class LayerTests
{
    [Fact]
    public void A_chain_computes_what_its_layers_compute()
    {
        using var test = new TestEngine();
        var engine = test.Engine;
        engine.Context.PoisonReleasedMemory = true;
        using var chain = new Sequential(
            ModuleScope.Root(engine, 3).Child("net"),
            s => new Conv2d(s, 2, 3, 3, new Conv2dOptions(1, 1)),
            s => new Relu(s),
            s => new MaxPool2d(s, 2),
            s => new Sequential(s, i => new AvgPool2d(i, 2, 1), i => new AdaptiveAvgPool2d(i, 1, 2)),
            s => new Flatten(s),
            s => new Linear(s, 6, 4),
            s => new Tanh(s),
            s => new Relu6(s));
        using (engine.BeginStep())
        {
            var x = engine.FromHost<float>(TestEngine.Uniform(3 * 2 * 64, 1), new Shape(3, 2, 8, 8));
            var (conv, linear) = ((Conv2d)chain.Children[0], (Linear)chain.Children[5]);
            var expected = x.Conv2d(conv.Weight.Value, conv.Bias!.Value, new Conv2dOptions(1, 1)).Relu().MaxPool2d(2).AvgPool2d(2, 1)
                .AdaptiveAvgPool2d(1, 2).Flatten().Linear(linear.Weight.Value, linear.Bias!.Value).Tanh().Relu6();

            Assert.Equal(expected.ToArray(), chain.Call(x).ToArray());
        }

        Assert.Equal(["net.0.weight", "net.0.bias", "net.5.weight", "net.5.bias"], chain.Parameters().Select(p => p.Name));
        Assert.Equal(["net.3.0", "net.3.1"], chain.Children[3].Children.Select(c => c.Path));
    }

    [Fact]
    public void A_chain_holds_no_output_longer_than_needed()
    {
        using var test = new TestEngine();
        var engine = test.Engine;
        long Peak(int layers)
        {
            using var chain = new Sequential(ModuleScope.Root(engine, 3), [.. Enumerable.Repeat<Func<ModuleScope, Module>>(s => new Relu(s), layers)]);
            using (engine.BeginStep())
            {
                var x = engine.NewTensor(new Shape(1000));
                engine.Context.Memory.ResetPeak();
                chain.Call(x);
                return engine.Context.Memory.Peak;
            }
        }

        Assert.Equal(Peak(2), Peak(9));
    }

    [Fact]
    public void A_chain_may_hand_its_input_on()
    {
        using var test = new TestEngine();
        using var empty = new Sequential(ModuleScope.Root(test.Engine, 3));
        using var views = new Sequential(ModuleScope.Root(test.Engine, 3), s => new Flatten(s), s => new Flatten(s, 0));
        using (test.Engine.BeginStep())
        {
            var x = test.Engine.FromHost<float>([1, 2, 3, 4], new Shape(2, 2));

            Assert.Same(x, empty.Call(x));
            Assert.Equal([1, 2, 3, 4], views.Call(x).ToArray());
            Assert.Equal([1, 2, 3, 4], x.ToArray());
        }
    }

    [Fact]
    public void Dropout_draws_by_seed_name_and_step()
    {
        using var test = new TestEngine();
        var engine = test.Engine;
        using var first = new Dropout(ModuleScope.Root(engine, 3).Child("a"), 0.25f);
        using var same = new Dropout(ModuleScope.Root(engine, 3).Child("a"), 0.25f);
        using var named = new Dropout(ModuleScope.Root(engine, 3).Child("b"), 0.25f);
        using var seeded = new Dropout(ModuleScope.Root(engine, 4).Child("a"), 0.25f);
        float[] Draw(Dropout layer, long step)
        {
            engine.StepNumber = step;
            using (engine.BeginStep())
            {
                return layer.Call(engine.FromHost<float>([.. Enumerable.Repeat(3f, 4001)], new Shape(4001))).ToArray();
            }
        }

        float[] drawn = Draw(first, 7);
        Assert.Equal([0f, 4f], drawn.Distinct().Order());
        // 1000 zeros of 4001 are expected; six standard deviations of that are 164.
        Assert.InRange(drawn.Count(v => v == 0), 836, 1164);
        Assert.Equal(drawn, Draw(same, 7));
        Assert.NotEqual(drawn, Draw(first, 8));
        Assert.NotEqual(drawn, Draw(named, 7));
        Assert.NotEqual(drawn, Draw(seeded, 7));
        Assert.Equal(drawn, Draw(first, 7));
    }

    [Fact]
    public void Dropout_is_the_identity_in_evaluation_and_when_frozen()
    {
        using var test = new TestEngine();
        var engine = test.Engine;
        var scope = ModuleScope.Root(engine, 3);
        using var chain = new Sequential(scope, s => new Linear(s, 3, 50), s => new Dropout(s, 0.5f), s => new Dropout(s, 0.5f));
        bool Drops()
        {
            using (engine.BeginStep())
            {
                return chain.Call(engine.FromHost<float>([1, 2, 3], new Shape(1, 3))).ToArray().Contains(0f);
            }
        }

        Assert.True(Drops());
        chain.SetTraining(false);
        Assert.False(Drops());
        chain.SetTraining(true);
        FreezeState.Empty.Change(["0"], []).WriteTo(chain);
        Assert.True(chain.Children[0].IsFrozen);
        Assert.False(Drops());
        chain.Dispose();
        Assert.Equal(0, engine.Context.Memory.Live);
        Assert.Throws<Options.OptionException>(() => new Dropout(ModuleScope.Root(engine, 3), 1f));
    }

    [Fact]
    public void Normalisation_counts_batches_in_training_only()
    {
        using var test = new TestEngine();
        using var bn = new BatchNorm2d(ModuleScope.Root(test.Engine, 3), 2);
        using (test.Engine.BeginStep())
        {
            var x = test.Engine.FromHost<float>(TestEngine.Uniform(36, 1), new Shape(2, 2, 3, 3));
            bn.Call(x);
            bn.CallRelu(x, x);
            bn.SetTraining(false);
            float[] before = [.. bn.RunningMean.Value.ToArray(), .. bn.RunningVar.Value.ToArray()];
            bn.Call(x);

            Assert.Equal(2, bn.BatchesTracked.Value);
            float[] after = [.. bn.RunningMean.Value.ToArray(), .. bn.RunningVar.Value.ToArray()];
            Assert.Equal(before, after);
            Assert.All(before[..2], m => Assert.NotEqual(0, m));
        }
    }
}
