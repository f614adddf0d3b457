using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Tensors.Tests;

/// <summary>Steps that record the same share one plan and allocate next to nothing; what differs is planned anew.</summary>
public sealed class PlanReuseTests : IDisposable
{
    private readonly CpuDevice _device = new(threads: 2);
    private readonly Engine _engine;
    private readonly Variable _a, _b;

    public PlanReuseTests()
    {
        _engine = new Engine(_device);
        (_a, _b) = (Filled(1, 2, 3), Filled(4, 5, 6));
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
        _engine.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void Equal_steps_have_one_plan_and_right_gradients()
    {
        var first = Step();
        for (int i = 0; i < 3; i++)
        {
            Assert.Same(first, Step());
            Assert.Equal([4f, 5f, 6f], GradientOf(_a));
            Assert.Equal([1f, 2f, 3f], GradientOf(_b));
        }
    }

    [Fact]
    public void A_variable_that_freezes_and_thaws_changes_the_plan_there_and_back()
    {
        var both = Step();
        _b.RequiresGrad = false;
        var one = Step();
        Assert.NotSame(both, one);
        Assert.Equal([0], one.Skips.Where(s => s.Reason == SkipReason.FrozenParameter).Select(s => 0).Distinct());
        Assert.Equal([4f, 5f, 6f], GradientOf(_a));
        Assert.False(_b.HasGradient);
        _b.RequiresGrad = true;
        var again = Step();
        Assert.Empty(again.Skips);
        Assert.Equal([1f, 2f, 3f], GradientOf(_b));

        // What an older plan says of its step is still so.
        Assert.Equal(2, both.Steps[^1].Need.Count);
        Assert.Equal(1, one.Steps[^1].Need.Count);
    }

    [Fact]
    public void Another_shape_is_another_plan()
    {
        using var c = Filled(1, 2, 3, 4);
        var plan = Step();
        using (_engine.BeginStep())
        {
            _engine.Backward(c.Value.Mul(c.Value).Sum());
        }

        Assert.NotSame(plan, _engine.LastPlan);
        Assert.Equal([2f, 4f, 6f, 8f], GradientOf(c));
        Step();
        Assert.Equal([4f, 5f, 6f], GradientOf(_a));
    }

    [Fact]
    public void Gradients_that_add_up_have_two_plans_in_turns()
    {
        var plans = new List<BackwardPlan>();
        for (int step = 0; step < 6; step++)
        {
            plans.Add(Step(clear: step % 2 == 0));
            Assert.Equal(step % 2 == 0 ? [4f, 5f, 6f] : [8f, 10f, 12f], GradientOf(_a));
        }

        Assert.NotSame(plans[0], plans[1]);
        Assert.Same(plans[0], plans[2]);
        Assert.Same(plans[1], plans[5]);
        Assert.NotEqual(plans[0].BackwardWeight.Bytes, plans[1].BackwardWeight.Bytes);
    }

    [Fact]
    public void The_same_operations_with_other_operands_are_another_plan()
    {
        var product = Step();
        _a.ClearGradient();
        using (_engine.BeginStep())
        {
            _engine.Backward(_a.Value.Mul(_a.Value).Sum());
        }

        Assert.NotSame(product, _engine.LastPlan);
        Assert.Equal([2f, 4f, 6f], GradientOf(_a));
    }

    [Fact]
    public void After_its_tape_is_used_up_a_tensor_is_cut_off()
    {
        using (_engine.BeginStep())
        {
            var product = _a.Value.Mul(_b.Value);
            var loss = product.Sum();
            Assert.True(product.RequiresGrad);
            _engine.Backward(loss);
            Assert.False(product.RequiresGrad);
            Assert.Contains("used up", Assert.Throws<InvalidOperationException>(() => _engine.Backward(loss)).Message, StringComparison.Ordinal);

            // It is a constant now: the gradient of a is the product's value.
            _a.ClearGradient();
            _engine.Backward(product.Mul(_a.Value).Sum());
            Assert.Equal([4f, 10f, 18f], GradientOf(_a));
            Assert.Contains(_engine.LastPlan!.Skips, s => s.Reason == SkipReason.Detached);
        }
    }

    [Fact]
    public void A_step_that_was_planned_before_allocates_little()
    {
        Step();
        Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            Step();
        }

        // Two tensors, the sum's operation and its geometry; a new plan alone is several times that.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 10, 1, 512);
    }

    private BackwardPlan Step(bool clear = true)
    {
        if (clear)
        {
            _a.ClearGradient();
            _b.ClearGradient();
        }

        using (_engine.BeginStep())
        {
            _engine.Backward(_a.Value.Mul(_b.Value).Sum());
        }

        return _engine.LastPlan!;
    }

    private float[] GradientOf(Variable variable)
    {
        var values = new float[variable.Value.Shape.Count];
        _engine.Context.Download<float>(variable.Gradient, values);
        return values;
    }

    private Variable Filled(params float[] values)
    {
        var variable = new Variable(_engine, new Shape(values.Length), default);
        variable.Value.CopyFrom(values);
        return variable;
    }
}
