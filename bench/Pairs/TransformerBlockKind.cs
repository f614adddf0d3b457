using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of a transformer block.</summary>
internal sealed record TransformerBlockSettings
{
    public int Batch { get; init; } = 1;

    public int Tokens { get; init; } = 1;

    public int Width { get; init; } = 1;

    public int Heads { get; init; } = 1;

    public int Hidden { get; init; } = 1;
}

/// <summary>A transformer block with the norms in front: forward pass and all gradients, the input's too.</summary>
internal sealed class TransformerBlockKind : WorkKind<TransformerBlockSettings>
{
    public override string Name => "transformer_block";

    protected override Work Create(CpuDevice device, TransformerBlockSettings s) => new Block(device, s);

    private sealed class Block : Work
    {
        private readonly TransformerBlockSettings _sizes;
        private readonly Engine _engine;
        private readonly Random _random = new(1);
        private readonly List<Variable> _variables = [];
        private readonly Variable _x, _gamma1, _beta1, _gamma2, _beta2, _query, _key, _value, _out, _first, _second;
        private readonly Variable _queryBias, _keyBias, _valueBias, _outBias, _firstBias, _secondBias;
        private readonly Tensor _dy;

        public Block(CpuDevice device, TransformerBlockSettings s)
        {
            _sizes = s;
            _engine = new Engine(device);
            _x = New(1, s.Batch, s.Tokens, s.Width);
            (_gamma1, _beta1, _gamma2, _beta2) = (New(1, s.Width), New(1, s.Width), New(1, s.Width), New(1, s.Width));
            float scale = 1 / MathF.Sqrt(s.Width);
            (_query, _key, _value, _out) = (New(scale, s.Width, s.Width), New(scale, s.Width, s.Width), New(scale, s.Width, s.Width), New(scale, s.Width, s.Width));
            (_first, _second) = (New(scale, s.Hidden, s.Width), New(scale, s.Width, s.Hidden));
            (_queryBias, _keyBias, _valueBias, _outBias) = (New(1, s.Width), New(1, s.Width), New(1, s.Width), New(1, s.Width));
            (_firstBias, _secondBias) = (New(1, s.Hidden), New(1, s.Width));
            _dy = _engine.NewPersistent(_x.Value.Shape, DType.F32, BufferKind.Workspace);
            _dy.CopyFrom(Numbers(_dy.Shape.Count, 1));
            Parts = [new WorkPart("step", Step)];
        }

        public override IReadOnlyList<WorkPart> Parts { get; }

        public override void Dispose()
        {
            _variables.ForEach(v => v.Dispose());
            _dy.Dispose();
            _engine.Dispose();
        }

        private void Step()
        {
            _variables.ForEach(v => v.ClearGradient());
            using var step = _engine.BeginStep();
            var x = _x.Value;
            var h = x.LayerNorm(_gamma1.Value, _beta1.Value);
            var attended = Heads(h, _query, _queryBias).Attention(Heads(h, _key, _keyBias), Heads(h, _value, _valueBias));
            var joined = attended.Permute(0, 2, 1, 3).Reshape(_sizes.Batch, _sizes.Tokens, _sizes.Width);
            x = x.Add(joined.Linear(_out.Value, _outBias.Value));
            h = x.LayerNorm(_gamma2.Value, _beta2.Value);
            x = x.Add(h.Linear(_first.Value, _firstBias.Value).Gelu().Linear(_second.Value, _secondBias.Value));
            _engine.Backward(x, _dy);
        }

        private Tensor Heads(Tensor h, Variable weight, Variable bias) =>
            h.Linear(weight.Value, bias.Value).Reshape(_sizes.Batch, _sizes.Tokens, _sizes.Heads, _sizes.Width / _sizes.Heads).Permute(0, 2, 1, 3);

        private Variable New(float scale, params ReadOnlySpan<int> shape)
        {
            var variable = new Variable(_engine, new Shape(shape), default);
            variable.Value.CopyFrom(Numbers(variable.Value.Shape.Count, scale));
            _variables.Add(variable);
            return variable;
        }

        private float[] Numbers(long count, float scale)
        {
            var values = new float[count];
            for (long i = 0; i < count; i++)
            {
                values[i] = scale * ((2 * _random.NextSingle()) - 1);
            }

            return values;
        }
    }
}
