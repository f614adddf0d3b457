using System.Text.Json;

namespace SmartFrz.Freeze;

/// <summary>How loss and accuracy went, from a run's <c>metrics.jsonl</c>.</summary>
/// <param name="Steps">Training: epochs with a fraction, loss and accuracy since the line before.</param>
/// <param name="Tests">The test set at epoch ends: epoch, loss and accuracy.</param>
public sealed record RunCurves(IReadOnlyList<(double Epoch, double Loss, double Accuracy)> Steps, IReadOnlyList<(double Epoch, double Loss, double Accuracy)> Tests)
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="JsonException">It is damaged.</exception>
    public static RunCurves Read(string path)
    {
        var steps = new List<(double, double, double)>();
        var tests = new List<(double, double, double)>();
        foreach (string line in File.ReadLines(path))
        {
            using var document = JsonDocument.Parse(line);
            var values = document.RootElement;
            double Number(string key) => values.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
            if (values.GetProperty("kind").ValueEquals("steps"))
            {
                steps.Add((Number("epoch"), Number("loss"), Number("accuracy")));
            }
            else if (values.TryGetProperty("test_accuracy", out _))
            {
                tests.Add((Number("epoch"), Number("test_loss"), Number("test_accuracy")));
            }
        }

        return new RunCurves(steps, tests);
    }
}
