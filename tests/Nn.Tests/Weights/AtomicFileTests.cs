using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn.Tests;

public sealed class AtomicFileTests
{
    [Fact]
    public void A_file_is_written_and_replaced()
    {
        using var folder = new TemporaryFolder();

        AtomicFile.WriteAllText(folder["a"], "one é");
        AtomicFile.WriteAllBytes(folder["a"], [1, 2, 3]);

        Assert.Equal([1, 2, 3], File.ReadAllBytes(folder["a"]));
        Assert.Equal([folder["a"]], Directory.GetFileSystemEntries(folder.Root));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failure_leaves_nothing_and_keeps_the_old_file(bool old)
    {
        using var folder = new TemporaryFolder();
        if (old)
        {
            folder.Write("a", [7]);
        }

        var e = Assert.Throws<IOException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write(new byte[100_000]);
            throw new IOException("no space left");
        }));

        Assert.Equal("no space left", e.Message);
        Assert.Equal(old ? [folder["a"]] : [], Directory.GetFileSystemEntries(folder.Root));
        Assert.True(!old || File.ReadAllBytes(folder["a"]) is [7]);
    }

    [Fact]
    public void The_old_file_is_read_whole_until_the_new_one_is_there()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a", [7]);

        AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write([1, 2]);
            stream.Flush();
            Assert.Equal([7], File.ReadAllBytes(folder["a"]));
        });

        Assert.Equal([1, 2], File.ReadAllBytes(folder["a"]));
    }

    [Fact]
    public void A_leftover_of_a_killed_process_is_no_obstacle()
    {
        using var folder = new TemporaryFolder();
        folder.Write(".a.0.tmp", [9]);

        AtomicFile.WriteAllBytes(folder["a"], [1]);

        Assert.Equal([1], File.ReadAllBytes(folder["a"]));
        Assert.Equal([9], File.ReadAllBytes(folder[".a.0.tmp"]));
    }

    [Fact]
    public void Writers_side_by_side_leave_one_of_their_files()
    {
        using var folder = new TemporaryFolder();

        Parallel.For(0, 16, i => AtomicFile.WriteAllBytes(folder["a"], [.. Enumerable.Repeat((byte)i, 50_000)]));

        Assert.Single(File.ReadAllBytes(folder["a"]).Distinct());
        Assert.Single(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void A_link_stays_a_link()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        folder.Write("real/a", [7]);
        File.CreateSymbolicLink(folder["link"], folder["real/a"]);

        AtomicFile.WriteAllBytes(folder["link"], [1]);

        Assert.Equal([1], File.ReadAllBytes(folder["real/a"]));
        Assert.NotNull(new FileInfo(folder["link"]).LinkTarget);
    }

    [Fact]
    public void What_cannot_be_written_says_so()
    {
        using var folder = new TemporaryFolder();

        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.WriteAllBytes(folder["none/a"], [1]));
        Assert.Contains("a directory, expected a file", Assert.Throws<IOException>(() => AtomicFile.WriteAllBytes(folder.Root, [1])).Message, StringComparison.Ordinal);
    }
}
