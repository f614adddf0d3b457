using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>Collects the launches that a backward pass of one operation announces, by phase.</summary>
public sealed class BackwardEstimate
{
    private TapeInput[] _inputs = [];
    private uint _parameters, _accumulates;
    private NeedMask _need;

    /// <summary>Launches for gradients of activations.</summary>
    public LaunchTotals BackwardInput { get; private set; }

    /// <summary>Launches for gradients of parameters.</summary>
    public LaunchTotals BackwardWeight { get; private set; }

    /// <summary>Both.</summary>
    public LaunchTotals Total => BackwardInput + BackwardWeight;

    /// <summary>The shape of an input.</summary>
    public Shape InputShape(int input) => _inputs[input].Shape;

    /// <summary>Whether the gradient of that input is added to what is there: the launch then reads it too.</summary>
    public bool Accumulates(int input) => (_accumulates >> input & 1) != 0;

    /// <summary>One launch for the gradient of that input.</summary>
    public void Add(int input, KernelCost cost)
    {
        if (!_need.Has(input))
        {
            return;
        }

        Book((_parameters >> input & 1) != 0, cost);
    }

    /// <summary>One launch that serves several gradients: booked on the activations if one of them is needed, else on the parameters.</summary>
    public void AddShared(KernelCost cost) => Book((_need.Bits & ~_parameters) == 0, cost);

    internal void Start(TapeInput[] inputs, NeedMask need, uint accumulates = 0)
    {
        BackwardInput = default;
        BackwardWeight = default;
        _need = need;
        _accumulates = accumulates;
        _inputs = inputs;
        _parameters = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Source.Variable is not null)
            {
                _parameters |= 1u << i;
            }
        }
    }

    private void Book(bool parameter, KernelCost cost)
    {
        var one = new LaunchTotals(1, cost.Flops, cost.Bytes, 0);
        if (parameter)
        {
            BackwardWeight += one;
        }
        else
        {
            BackwardInput += one;
        }
    }
}
