using System.Text.Json;

namespace SmartFrz.Nn;

/// <summary>Writes <c>metrics.jsonl</c>: a line for each report on the loss and one for each epoch.</summary>
/// <remarks>
/// Lines: <c>{"kind":"steps","step":…,"epoch":…,"loss":…,"accuracy":…,"learning_rate":…,"examples_per_second":…,"frozen_units":…}</c> and
/// <c>{"kind":"epoch","epoch":…,"step":…,"train_loss":…,"train_accuracy":…,"learning_rate":…,"frozen_units":…,"train_seconds":…,
/// "test_accuracy":…,"test_loss":…}</c>, of texts with <c>test_mcc</c> and <c>test_f1</c>. A run that goes on from a checkpoint cuts the lines after it and writes them again.
/// </remarks>
public sealed class MetricsFile(string path) : ITrainingCallback, IDisposable
{
    private JsonLinesFile? _file;

    /// <inheritdoc/>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void RunStarting(TrainingContext context)
    {
        _file?.Dispose();
        try
        {
            _file = new JsonLinesFile(path, context.Step == 0 ? null : line => IsBefore(line, context));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <inheritdoc/>
    public void Logged(TrainingContext context)
    {
        var report = context.LastReport!;
        Append(new StepLine("steps", report.Step, report.Epoch, report.Loss, report.Accuracy, report.LearningRate, report.ExamplesPerSecond, report.FrozenUnits), report.Step);
    }

    /// <inheritdoc/>
    public void EpochEnded(TrainingContext context)
    {
        var epoch = context.History[^1];
        Append(
            new EpochLine(
                "epoch",
                epoch.Epoch,
                epoch.Step,
                epoch.TrainLoss,
                epoch.TrainAccuracy,
                epoch.LearningRate,
                epoch.FrozenUnits,
                epoch.TrainSeconds,
                epoch.Test?.Accuracy,
                epoch.Test?.Loss,
                epoch.Test?.Mcc,
                epoch.Test?.F1),
            epoch.Step);
    }

    /// <inheritdoc/>
    public void RunEnded(TrainingContext context) => Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }

    // A checkpoint may lie between the last step of an epoch and its end.
    private static bool IsBefore(JsonElement line, TrainingContext context)
    {
        bool isEpoch = line.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String && kind.ValueEquals("epoch");
        return line.TryGetProperty(isEpoch ? "epoch" : "step", out var place) && place.TryGetInt64(out long number) && number <= (isEpoch ? context.Epoch : context.Step);
    }

    private void Append<T>(T line, long step)
    {
        try
        {
            _file!.Append(line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"step {step}: {path} cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private sealed record StepLine(
        string Kind, long Step, double Epoch, double Loss, double Accuracy, float LearningRate, double ExamplesPerSecond, int FrozenUnits);

    private sealed record EpochLine(
        string Kind,
        int Epoch,
        long Step,
        double TrainLoss,
        double TrainAccuracy,
        float LearningRate,
        int FrozenUnits,
        double TrainSeconds,
        double? TestAccuracy,
        double? TestLoss,
        double? TestMcc,
        double? TestF1);
}
