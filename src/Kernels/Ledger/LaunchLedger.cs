using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels;

/// <summary>
/// Every kernel launch, added up by (kernel, layer, phase). Reports, plans, tests and benches read it; nobody estimates.
/// Not thread-safe: it belongs to the thread that drives its contexts.
/// </summary>
public sealed class LaunchLedger
{
    private static readonly int PhaseCount = Enum.GetValues<Phase>().Length;

    private readonly Dictionary<Key, StrongBox<LaunchTotals>> _entries = [];
    private readonly LaunchTotals[] _phases = new LaunchTotals[PhaseCount];
    private readonly Dictionary<string, LayerId> _layerIds = new(StringComparer.Ordinal);
    private readonly List<string> _layerNames = [""];

    /// <summary>Whether launches are timed. On a GPU timing one launch means waiting for it.</summary>
    public bool Timing { get; set; }

    /// <summary>When set, every launch is also appended here, in order.</summary>
    public IList<LaunchRecord>? Trace { get; set; }

    /// <summary>The totals of all launches so far.</summary>
    public LaunchTotals Total
    {
        get
        {
            LaunchTotals sum = default;
            foreach (var phase in _phases)
            {
                sum += phase;
            }

            return sum;
        }
    }

    /// <summary>The totals of one phase.</summary>
    public LaunchTotals this[Phase phase] => _phases[(int)phase];

    /// <summary>The totals of one layer in one phase, all kernels.</summary>
    public LaunchTotals this[LayerId layer, Phase phase]
    {
        get
        {
            LaunchTotals sum = default;
            foreach (var (key, totals) in _entries)
            {
                if (key.Layer == layer && key.Phase == phase)
                {
                    sum += totals.Value;
                }
            }

            return sum;
        }
    }

    /// <summary>All rows: kernel, layer, phase and their totals.</summary>
    public IEnumerable<(string Kernel, LayerId Layer, Phase Phase, LaunchTotals Totals)> Entries =>
        _entries.Select(e => (e.Key.Kernel, e.Key.Layer, e.Key.Phase, e.Value.Value));

    /// <summary>The id of a layer name, made on first use.</summary>
    public LayerId Layer(string name)
    {
        if (name.Length == 0)
        {
            return LayerId.None;
        }

        if (!_layerIds.TryGetValue(name, out var id))
        {
            id = new LayerId(_layerNames.Count);
            _layerIds.Add(name, id);
            _layerNames.Add(name);
        }

        return id;
    }

    /// <summary>The name behind a layer id.</summary>
    public string NameOf(LayerId layer) => _layerNames[layer.Index];

    internal void Add(string kernel, LayerId layer, Phase phase, KernelCost cost, double seconds)
    {
        var one = new LaunchTotals(1, cost.Flops, cost.Bytes, seconds);
        _phases[(int)phase] += one;
        var key = new Key(kernel, layer, phase);
        if (!_entries.TryGetValue(key, out var totals))
        {
            _entries.Add(key, totals = new StrongBox<LaunchTotals>());
        }

        totals.Value += one;
        Trace?.Add(new LaunchRecord(kernel, layer, phase, cost, seconds));
    }

    private readonly record struct Key(string Kernel, LayerId Layer, Phase Phase);
}
