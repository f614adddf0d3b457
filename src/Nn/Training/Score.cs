using System.Text.Json.Serialization;

namespace SmartFrz.Nn;

/// <summary>Losses and correct predictions added up over batches.</summary>
internal readonly record struct Score(double LossSum, long Correct, long Rows)
{
    [JsonIgnore]
    public double MeanLoss => Rows == 0 ? double.NaN : LossSum / Rows;

    [JsonIgnore]
    public double Accuracy => Rows == 0 ? double.NaN : (double)Correct / Rows;

    public static Score operator +(Score a, Score b) => new(a.LossSum + b.LossSum, a.Correct + b.Correct, a.Rows + b.Rows);
}
