namespace SmartFrz.Cli.Tests;

/// <summary>Command lines of runs that take no time.</summary>
internal static class Small
{
    /// <summary>The network.</summary>
    public static readonly string[] Network = ["--model", "resnet8", "--set", "model.width=2", "--device", "cpu", "--threads", "1"];

    /// <summary>The network on made-up images, 64 of them.</summary>
    public static readonly string[] Options = [.. Network, "--data", "synthetic", "--set", "data.size=8", "--set", "data.train=64", "--set", "data.test=16"];

    /// <summary>Two epochs of four steps, without a policy.</summary>
    public static readonly string[] Train = ["train", .. Options, "--set", "train.batch=16", "--set", "train.epochs=2"];
}
