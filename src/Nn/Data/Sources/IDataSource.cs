using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Opens a data set by name. A class with this interface and a constructor without parameters is found by <see cref="DataSources"/>.</summary>
public interface IDataSource
{
    /// <summary>The name: <c>fashion-mnist</c>.</summary>
    string Name { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>The record of its options (the section <c>data</c> of a configuration without <c>name</c> and <c>dir</c>).</summary>
    Type Options { get; }

    /// <summary>Opens the training and the test examples, cut to the limits.</summary>
    /// <exception cref="OptionException">An option is unknown or does not fit.</exception>
    /// <exception cref="DataFormatException">The data are missing or damaged.</exception>
    DataSplits Open(DataOptions request);
}

/// <summary>A source with a typed options record.</summary>
public abstract class DataSource<TOptions> : IDataSource
    where TOptions : class, new()
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public Type Options => typeof(TOptions);

    /// <inheritdoc/>
    public DataSplits Open(DataOptions request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var options = OptionBinder.Bind<TOptions>(request.Values, "data");
        CheckLimit(request.LimitTrain, "training");
        CheckLimit(request.LimitTest, "test");
        return Open(request, options);
    }

    /// <summary>Opens the examples, cut to the limits of the request, which are 1 or more where they are given.</summary>
    protected abstract DataSplits Open(DataOptions request, TOptions options);

    /// <summary>The directory asked for.</summary>
    /// <exception cref="OptionException">None was given.</exception>
    protected string RequiredDirectory(DataOptions request, string what) =>
        request.Directory ?? throw new OptionException($"data '{Name}' needs a directory: {what}");

    private static void CheckLimit(int? limit, string what)
    {
        if (limit < 1)
        {
            throw new OptionException($"limit of {what} examples {limit}, expected at least 1");
        }
    }
}

/// <summary>A source of images with a typed options record.</summary>
public abstract class ImageSource<TOptions> : DataSource<TOptions>
    where TOptions : ImageDataOptions, new()
{
    /// <summary>Opens all images, or those within the limits.</summary>
    protected abstract ImageSplits OpenImages(DataOptions request, TOptions options);

    /// <inheritdoc/>
    protected sealed override DataSplits Open(DataOptions request, TOptions options)
    {
        var splits = options.Over(OpenImages(request, options));
        return splits with
        {
            Train = Limited(splits.Train, request.LimitTrain),
            Test = Limited(splits.Test, request.LimitTest),
        };
    }

    private static IImageDataset Limited(IImageDataset whole, int? limit) => limit < whole.Count ? new SubsetDataset(whole, limit.Value) : whole;
}
