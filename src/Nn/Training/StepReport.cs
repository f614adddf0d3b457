namespace SmartFrz.Nn;

/// <summary>How training is going, for progress displays and logs: the steps since the last report.</summary>
/// <param name="Step">Steps finished since the run began.</param>
/// <param name="Epoch">The same in epochs, with a fraction.</param>
/// <param name="Loss">The mean loss over the steps reported on.</param>
/// <param name="Accuracy">The share of correct predictions on their batches, 0..1.</param>
/// <param name="LearningRate">The learning rate of the last of them.</param>
/// <param name="ExamplesPerSecond">Images of these steps over the training seconds they took.</param>
/// <param name="FrozenUnits">Units frozen now.</param>
/// <param name="Units">Units of the network.</param>
/// <param name="SecondsLeft">Seconds to the end of the run by the pace of the recent steps, evaluations included.</param>
public sealed record StepReport(
    long Step, double Epoch, double Loss, double Accuracy, float LearningRate, double ExamplesPerSecond, int FrozenUnits, int Units, double SecondsLeft);
