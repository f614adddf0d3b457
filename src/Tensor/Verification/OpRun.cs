using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Verification;

/// <summary>Runs a case in our engine and checks, on the way, what must hold for every operation.</summary>
internal static class OpRun
{
    /// <summary>The output's gradient that the gradient runs start from.</summary>
    public static float[] Seed(int count)
    {
        var random = Philox.Keyed(11, 3);
        var seed = new float[count];
        for (int i = 0; i < count; i++)
        {
            seed[i] = (2f * random.Uniform((ulong)i)) - 1f;
        }

        return seed;
    }

    /// <summary>The output without recording.</summary>
    /// <param name="device">The device.</param>
    /// <param name="op">The case.</param>
    /// <param name="launched">Receives the names of the kernels that ran.</param>
    public static float[] Forward(Device device, OpCase op, ISet<string>? launched = null)
    {
        using var engine = new Engine(device);
        engine.Context.PoisonReleasedMemory = true;
        float[] result;
        using (engine.BeginStep())
        using (engine.NoGrad())
        {
            var operands = op.Operands();
            var inputs = operands.Select((x, i) => engine.FromHost<float>(x, op.Inputs[i])).ToArray();
            result = op.Apply(engine, inputs).ToArray();
        }

        Require(engine.Context.Memory.Live == 0, op, $"{engine.Context.Memory.Live} bytes are still alive after the step");
        launched?.UnionWith(engine.Context.Launches.Entries.Select(e => e.Kernel));
        return result;
    }

    /// <summary>
    /// The gradients of the operands in the mask; null for the others, which are frozen variables. Runs twice without clearing in
    /// between, so that both the writing and the adding form of each kernel are used; returns the first pass's gradients.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="op">The case.</param>
    /// <param name="need">The operands whose gradients are computed.</param>
    /// <param name="launched">Receives the names of the kernels that ran.</param>
    public static float[]?[] Gradients(Device device, OpCase op, NeedMask need, ISet<string>? launched = null)
    {
        using var engine = new Engine(device);
        var context = engine.Context;
        context.PoisonReleasedMemory = true;
        var operands = op.Operands();
        var variables = operands.Select((x, i) =>
        {
            var variable = new Variable(engine, op.Inputs[i], context.Launches.Layer($"operand{i}"));
            variable.Value.CopyFrom(x);
            variable.RequiresGrad = need.Has(i);
            return variable;
        }).ToArray();

        float[]?[] first = [];
        for (int pass = 0; pass < 2; pass++)
        {
            Backward(engine, op, variables);
            var gradients = Array.ConvertAll(variables, v => v.HasGradient ? Download(context, v) : null);
            if (pass == 0)
            {
                first = gradients;
                continue;
            }

            for (int i = 0; i < first.Length; i++)
            {
                if (first[i] is not { } once)
                {
                    continue;
                }

                float scale = once.Select(Math.Abs).DefaultIfEmpty(0f).Max();
                for (int k = 0; k < once.Length; k++)
                {
                    float error = Math.Abs((2 * once[k]) - gradients[i]![k]);
                    Require(error <= (1e-5f * scale) + 1e-7f, op, $"a second pass makes gradient {i}[{k}] {gradients[i]![k]:R}, expected twice {once[k]:R}");
                }
            }
        }

        for (int i = 0; i < variables.Length; i++)
        {
            long bytes = context.Memory.LiveOf(BufferKind.Gradient, variables[i].Layer);
            Require(need.Has(i) ? bytes == op.Inputs[i].Count * 4 : bytes == 0, op, $"operand {i} (mask {need.Bits:b}) holds {bytes} gradient bytes");
            variables[i].Dispose();
        }

        Require(context.Memory.Live == 0, op, $"{context.Memory.Live} bytes are still alive after the step");
        launched?.UnionWith(context.Launches.Entries.Select(e => e.Kernel));
        return first;
    }

    private static void Backward(Engine engine, OpCase op, Variable[] variables)
    {
        var launches = engine.Context.Launches;
        using var step = engine.BeginStep();
        var y = op.Apply(engine, Array.ConvertAll(variables, v => v.Value));
        Require(y.RequiresGrad, op, "the output of trainable operands does not require a gradient");
        var seed = engine.FromHost<float>(Seed((int)y.Shape.Count), y.Shape);
        var (input, weight, dispatched, total) = (launches[Phase.BackwardInput], launches[Phase.BackwardWeight], engine.Context.Dispatched, launches.Total.Launches);
        engine.Backward(y, seed);
        var plan = engine.LastPlan!;
        Same(op, "BackwardInput", plan.BackwardInput, launches[Phase.BackwardInput] - input);
        Same(op, "BackwardWeight", plan.BackwardWeight, launches[Phase.BackwardWeight] - weight);
        Require(engine.Context.Dispatched - dispatched == launches.Total.Launches - total, op, "the dispatcher and the ledger count different launches");
    }

    private static void Same(OpCase op, string phase, LaunchTotals plan, LaunchTotals ledger) =>
        Require(
            plan == ledger with { Seconds = 0 },
            op,
            $"{phase}: the plan says {plan.Launches} launches, {plan.Flops} FLOPs and {plan.Bytes} bytes, the ledger {ledger.Launches}, {ledger.Flops} and {ledger.Bytes}");

    private static float[] Download(DeviceContext context, Variable variable)
    {
        var gradient = new float[variable.Value.Shape.Count];
        context.Download<float>(variable.Gradient, gradient);
        return gradient;
    }

    private static void Require(bool condition, OpCase op, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{op.Name}: {otherwise}");
        }
    }
}
