
namespace SmartFrz.Tensors.Verification;

/// <summary>Rows taken out of a table: some twice, some never, one outside of it; a row of padding.</summary>
internal sealed class GatherRowsCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Case(new Shape(5, 3), new Shape(7), [4, 0, 4, 2, 2, 4, 0]);
        yield return Case(new Shape(3, 37), new Shape(2, 2), [1, 1, 2, 1]);
        yield return Case(new Shape(4, 17), new Shape(3), [3, 4, -1]);
        yield return Case(new Shape(1, 1), new Shape(1), [0]);
        yield return Case(new Shape(4, 19), new Shape(2, 3), [0, 3, 0, 1, 3, 0], padding: 0);
        yield return Case(new Shape(3, 5), new Shape(4), [2, 1, 2, 5], padding: 2);
    }

    private static OpCase Case(Shape table, Shape indices, int[] rows, int? padding = null) => new()
    {
        Name = $"gather_rows {table} by {indices}{(padding is null ? "" : $" padding {padding}")}",
        Inputs = [table],
        Apply = (engine, x) => x[0].GatherRows(engine.FromHost<int>(rows, indices), padding),
        Detached = (_, k) => k / table[1] == padding,
        Reference = x => [.. rows.SelectMany(row => Enumerable.Range(0, table[1]).Select(c => row >= 0 && row < table[0] ? x[0][(row * table[1]) + c] : 0))],
    };
}
