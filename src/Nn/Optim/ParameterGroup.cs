namespace SmartFrz.Nn;

/// <summary>Parameters that share their hyper-parameters.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="LearningRateFactor">Their learning rate as a multiple of the schedule's.</param>
/// <param name="WeightDecay">Their weight decay.</param>
public sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, float LearningRateFactor = 1f, float WeightDecay = 0f);
