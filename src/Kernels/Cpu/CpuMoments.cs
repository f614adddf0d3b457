namespace SmartFrz.Kernels.Cpu;

/// <summary>Mean and sum of squared deviations of a set of numbers, to which other sets are added.</summary>
/// <remarks>Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).</remarks>
internal struct CpuMoments
{
    public double Count, Mean, SquaredDeviations;

    /// <summary>Adds a set of which the sums of (x - shift) and (x - shift)^2 are known.</summary>
    public void Add(double count, double shift, double sum, double sumOfSquares)
    {
        double offset = sum / count;
        Merge(new CpuMoments { Count = count, Mean = shift + offset, SquaredDeviations = Math.Max(0, sumOfSquares - (offset * sum)) });
    }

    /// <summary>Adds a set.</summary>
    public void Merge(CpuMoments other)
    {
        if (other.Count == 0)
        {
            return;
        }

        double total = Count + other.Count;
        double distance = other.Mean - Mean;
        Mean += distance * (other.Count / total);
        SquaredDeviations += other.SquaredDeviations + (distance * distance * (Count * other.Count / total));
        Count = total;
    }
}
