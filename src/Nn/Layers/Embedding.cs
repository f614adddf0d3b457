using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A table whose rows stand for numbers: words, positions, kinds.</summary>
/// <remarks>Shapes: indices of any shape, 32-bit integers; the result has columns behind them. As <see cref="Tensor.GatherRows"/>.</remarks>
public sealed class Embedding : Module
{
    private readonly int? _padding;

    /// <summary>A table with fresh rows.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Numbers of a row.</param>
    /// <param name="padding">The row of padding: it begins at zero and has no gradient. Null for none.</param>
    /// <param name="values">How the rows begin; null as in PyTorch, normal with deviation 1.</param>
    public Embedding(ModuleScope scope, int rows, int columns, int? padding = null, Initializer? values = null)
        : base(scope)
    {
        _padding = padding;
        values ??= Initializer.Normal(0f, 1f);
        Weight = AddParameter("weight", new Shape(rows, columns), padding is { } row ? values.WithZeroRow(row) : values);
    }

    /// <summary>The table, (rows,columns).</summary>
    public Parameter Weight { get; }

    /// <summary>The first rows of the table, in their order.</summary>
    public Tensor First(int rows)
    {
        var call = Enter();
        return call.Return(Weight.Value.Slice(0, 0, rows));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => Weight.Value.GatherRows(input, _padding);
}
