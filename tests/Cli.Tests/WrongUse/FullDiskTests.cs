using SmartFrz.Nn;

namespace SmartFrz.Cli.Tests;

public sealed class FullDiskTests : Smartfrz
{
    [SmallDiskFact]
    public void A_full_disk_is_found_before_the_first_step()
    {
        using var folder = new TemporaryFolder();

        var full = SmallDisk.Run(folder.Root, 64, "head -c 1M /dev/zero > \"$disk/filler\" 2>/dev/null; \"$@\"; code=$?; ls -A \"$disk\"; exit $code", Train(folder))!;

        Assert.Equal(2, full.Code);
        Assert.StartsWith($"output directory {folder["out"]}", full.Message, StringComparison.Ordinal);
        Assert.Equal("filler\n", full.Output);
    }

    [SmallDiskFact]
    public void A_disk_without_room_for_checkpoints_is_found_before_the_first_step()
    {
        using var folder = new TemporaryFolder();

        // The probe of a page goes in, three checkpoints of some 30 KB do not.
        var small = SmallDisk.Run(folder.Root, 48, "\"$@\"; code=$?; ls -A \"$disk\"; exit $code", Train(folder))!;

        Assert.Equal(2, small.Code);
        Assert.Contains("checkpoints cannot be written there", small.Message, StringComparison.Ordinal);
        Assert.Empty(small.Output);
    }

    [SmallDiskFact]
    public void A_disk_that_fills_later_leaves_the_last_good_checkpoint()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["disk"]);
        const string Script = """
            "$@" & child=$!
            until [ -e "$disk/out/checkpoints/last.safetensors" ]; do kill -0 $child 2>/dev/null || break; sleep 0.02; done
            head -c 9M /dev/zero > "$disk/filler" 2>/dev/null
            wait $child; code=$?
            cp "$disk/out/checkpoints/last.safetensors" "$disk/.."
            ls -A "$disk/out" "$disk/out/checkpoints"
            exit $code
            """;

        // So many epochs that it cannot end before the disk is full.
        var filled = SmallDisk.Run(folder["disk"], 8192, Script, [.. Train(folder, "disk/out"), "--set", "train.epochs=100000", "--set", "train.log_interval=1000000"])!;

        Assert.True(filled.Code == 1, $"exit code {filled.Code}: {filled.Error}");
        Assert.Contains("cannot be written", filled.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("summary.json", filled.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(".tmp", filled.Output, StringComparison.Ordinal);
        Assert.InRange(Checkpoint.Read(folder["last.safetensors"]).Epoch, 1, 99_999);
        Assert.Equal(16, Run(["eval", .. Small.Options, "--weights", folder["last.safetensors"], "--json"]).Json.GetProperty("total").GetInt64());
    }

    private static IEnumerable<string> Train(TemporaryFolder folder, string output = "out") =>
        [Environment.ProcessPath!, typeof(CommandLineRunner).Assembly.Location, .. Small.Train, "--policy", "none", "--quiet", "--out", folder[output]];
}
