namespace SmartFrz.Cli.Tests;

public sealed class DoctorTests : Smartfrz
{
    [Fact]
    public void Kernels_of_the_cpu_as_json()
    {
        var json = Run("doctor", "--device", "cpu", "--threads", "1", "--isa", "vector128", "--only", "linear", "--json").Json;

        Assert.True(json.GetProperty("passed").GetBoolean());
        Assert.Contains("vector128", json.GetProperty("device").GetProperty("name").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, json.GetProperty("device").GetProperty("threads").GetInt32());
        Assert.Equal("double precision", json.GetProperty("reference").GetString());
        var matmul = json.GetProperty("kernels").EnumerateArray().Single(k => k.GetProperty("kernel").GetString() == "matmul");
        Assert.InRange(matmul.GetProperty("worst_error").GetDouble(), 1e-12, 1);
        Assert.InRange(matmul.GetProperty("comparisons").GetInt32(), 2, 1000);
        Assert.Equal(0, matmul.GetProperty("failed").GetInt32());
        // What was not run is said.
        Assert.Contains("conv2d", json.GetProperty("not_run").EnumerateArray().Select(k => k.GetString()));
        Assert.NotEmpty(json.GetProperty("skipped_cases").EnumerateArray());
        Assert.All(json.GetProperty("comparisons").EnumerateArray(), c => Assert.StartsWith("linear", c.GetProperty("case").GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public void Kernels_of_the_cpu_as_a_table()
    {
        var outcome = Run("doctor", "--device", "cpu", "--only", "softmax");

        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
        Assert.Contains("│ softmax.backward", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("kernels were not run: ", outcome.Output, StringComparison.Ordinal);
        Assert.StartsWith("no case has 'convv' in its name", Refused("doctor", "--device", "cpu", "--only", "convv"), StringComparison.Ordinal);
    }
}
