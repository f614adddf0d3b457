using System.Text.Json.Nodes;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class DataSourcesTests
{
    [Fact]
    public void A_source_is_found_by_its_name()
    {
        Assert.IsType<SyntheticSource>(DataSources.Find("synthetic"));
        Assert.IsType<FashionMnistSource>(DataSources.Find("fashion-mnist"));
        Assert.All(DataSources.All(), s => Assert.Equal(s.Key, s.Value.Name));
        Assert.All(DataSources.All().Values, s => Assert.NotEmpty(s.Description));
    }

    [Fact]
    public void Another_assembly_brings_its_own()
    {
        Assert.IsType<OwnSource>(DataSources.Find("own", typeof(OwnSource).Assembly));
        Assert.Throws<OptionException>(() => DataSources.Find("own"));
    }

    [Fact]
    public void A_wrong_name_or_option_says_what_was_meant()
    {
        Assert.StartsWith("unknown data 'fashon-mnist', did you mean 'fashion-mnist'?", Message(() => DataSources.Find("fashon-mnist")), StringComparison.Ordinal);
        Assert.StartsWith("unknown option 'data.clases', did you mean 'classes'?", Synthetic(new() { ["clases"] = 3 }), StringComparison.Ordinal);
        Assert.Equal("option 'data.size' is 0, expected 1 to 4096", Synthetic(new() { ["size"] = 0 }));
        Assert.Equal("option 'data.size' is \"big\", expected a whole number", Synthetic(new() { ["size"] = "big" }));
        Assert.Equal("option 'data.noise' is 1.5, expected 0 to 1", Synthetic(new() { ["noise"] = 1.5 }));
        Assert.Equal("option 'data.mean' has 2 values, the images have 3 channels", Synthetic(new() { ["mean"] = new JsonArray(0.5, 0.5) }));

        static string Synthetic(JsonObject values) => Message(() => DataSources.OpenImages("synthetic", new DataOptions { Values = values }));
        static string Message(Func<object> find) => Assert.Throws<OptionException>(find).Message;
    }

    [Fact]
    public void Given_means_and_deviations_replace_the_own_ones()
    {
        var values = new JsonObject { ["channels"] = 1, ["mean"] = new JsonArray(0.25), ["train"] = 20, ["test"] = 10, ["size"] = 5, ["classes"] = 3 };

        var splits = DataSources.OpenImages("synthetic", new DataOptions { Values = values });

        Assert.Equal([0.25f], splits.Mean);
        Assert.Equal([0.25f], splits.Deviation);
        Assert.Equal((20, 10, 1, 5, 5, 3), (splits.Train.Count, splits.Test.Count, splits.Train.Channels, splits.Train.Height, splits.Train.Width, splits.Train.ClassNames.Count));
    }

    public sealed class OwnSource : DataSource<ImageDataOptions>
    {
        public override string Name => "own";

        public override string Description => "of a test";

        protected override DataSplits Open(DataOptions request, ImageDataOptions options) => throw new NotSupportedException();
    }
}
