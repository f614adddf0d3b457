using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// The histories of all layers of a network that may still freeze: one for each weight of rank two or more outside the head.
/// </summary>
public sealed class LayerHistories : IDisposable
{
    private readonly List<(FreezableUnit Unit, WeightHistory History)> _histories = [];

    /// <summary>Empty histories of the given units.</summary>
    public LayerHistories(Engine engine, Module network, IEnumerable<FreezableUnit> units, WeightHistoryOptions options, ulong seed)
    {
        foreach (var unit in units)
        {
            foreach (var parameter in network.Parameters().Where(p => p.Shape.Rank >= 2 && unit.Contains(p.Name)))
            {
                _histories.Add((unit, new WeightHistory(engine, parameter, options, seed)));
            }
        }
    }

    /// <summary>The histories with their units, in forward order.</summary>
    public IReadOnlyList<(FreezableUnit Unit, WeightHistory History)> All => _histories;

    /// <summary>Device bytes held.</summary>
    public long Bytes => _histories.Sum(h => h.History.Bytes);

    /// <summary>Records the present weights of all layers.</summary>
    public void Record()
    {
        foreach (var (_, history) in _histories)
        {
            history.Record();
        }
    }

    /// <summary>Begins all windows anew, with the present weights.</summary>
    public void Restart()
    {
        foreach (var (_, history) in _histories)
        {
            history.Clear();
        }

        Record();
    }

    /// <summary>Gives the memory of units back that no longer need watching.</summary>
    public void Release(Predicate<FreezableUnit> done)
    {
        _histories.RemoveAll(entry =>
        {
            if (done(entry.Unit))
            {
                entry.History.Dispose();
                return true;
            }

            return false;
        });
    }

    /// <summary>Writes all histories for a checkpoint.</summary>
    public void Save(CheckpointEntries entries)
    {
        foreach (var (_, history) in _histories)
        {
            history.Save(entries);
        }
    }

    /// <summary>Restores the histories that <see cref="Save"/> wrote; others are given back.</summary>
    public void Load(CheckpointEntries entries)
    {
        foreach (var entry in _histories.ToList())
        {
            if (entries.Json.ContainsKey($"{entry.History.Parameter.Name}.recorded"))
            {
                entry.History.Load(entries);
            }
            else
            {
                entry.History.Dispose();
                _histories.Remove(entry);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Release(static _ => true);
}
