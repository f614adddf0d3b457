namespace SmartFrz.Nn;

/// <summary>The options of <see cref="Bert"/>.</summary>
public sealed record BertOptions
{
    /// <summary>Tokens that it knows.</summary>
    /// <value>Default 30522.</value>
    public int VocabSize { get; init; } = 30522;

    /// <summary>The most tokens of a text.</summary>
    /// <value>Default 512.</value>
    public int MaxPosition { get; init; } = 512;

    /// <summary>Numbers of a token, a multiple of the heads.</summary>
    /// <value>Default 768.</value>
    public int Hidden { get; init; } = 768;

    /// <summary>Blocks.</summary>
    /// <value>Default 12.</value>
    public int Layers { get; init; } = 12;

    /// <summary>Heads of each attention.</summary>
    /// <value>Default 12.</value>
    public int Heads { get; init; } = 12;

    /// <summary>Units of the hidden layer of each block.</summary>
    /// <value>Default 3072.</value>
    public int Intermediate { get; init; } = 3072;

    /// <summary>Classes.</summary>
    /// <value>Default 2.</value>
    public int NumLabels { get; init; } = 2;

    /// <summary>Classes, under the name that other networks have for them; null for <see cref="NumLabels"/>.</summary>
    public int? NumClasses { get; init; }

    /// <summary>The share of elements that become zero in training: of sums, of attention's weights and of the head's input.</summary>
    /// <value>Default 0.1.</value>
    public float Dropout { get; init; } = 0.1f;
}
