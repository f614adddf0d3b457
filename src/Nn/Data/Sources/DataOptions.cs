using System.Text.Json.Nodes;

namespace SmartFrz.Nn.Data;

/// <summary>Which data are asked for, whatever their source.</summary>
public sealed record DataOptions
{
    /// <summary>The directory of the files; null for none given.</summary>
    public string? Directory { get; init; }

    /// <summary>
    /// Opens data that travel with the program, by a name such as <c>fashion-mnist/train-images-idx3-ubyte.gz</c>, or answers null;
    /// null where nothing travels.
    /// </summary>
    public Func<string, Stream?>? Embedded { get; init; }

    /// <summary>The options of the source itself: the section <c>data</c> of a configuration without <c>name</c> and <c>dir</c>; null for the defaults.</summary>
    public JsonObject? Values { get; init; }

    /// <summary>
    /// Keeps that many training images, the first ones, or where images stand class by class evenly spread ones; null for all.
    /// </summary>
    public int? LimitTrain { get; init; }

    /// <summary>Keeps that many test images, as <see cref="LimitTrain"/> does; null for all.</summary>
    public int? LimitTest { get; init; }

    /// <summary>Threads that decode images while loading; 0 for all processors.</summary>
    /// <value>Default 0.</value>
    public int Threads { get; init; }
}
