namespace SmartFrz.Tensors;

/// <summary>The lifetime of the tensors of a module call.</summary>
public readonly struct TensorScope : IDisposable
{
    private readonly Engine _engine;
    private readonly int _mark;

    internal TensorScope(Engine engine, int mark) => (_engine, _mark) = (engine, mark);

    /// <summary>Ends the scope and hands one tensor on to the enclosing one.</summary>
    public Tensor Return(Tensor result)
    {
        _engine.EndScope(_mark, result);
        return result;
    }

    /// <summary>Ends the scope; all its tensors are gone.</summary>
    public void Dispose() => _engine.EndScope(_mark, null);
}

/// <summary>The lifetime of everything a training or evaluation step makes.</summary>
public readonly struct StepScope : IDisposable
{
    private readonly Engine _engine;
    private readonly TensorScope _scope;

    internal StepScope(Engine engine, TensorScope scope) => (_engine, _scope) = (engine, scope);

    /// <summary>Ends the step: the tape is emptied, all its tensors are gone.</summary>
    public void Dispose()
    {
        _engine.ClearTape();
        _scope.Dispose();
    }
}
