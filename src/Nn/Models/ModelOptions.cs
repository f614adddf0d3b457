using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>What the options of several networks have in common.</summary>
internal static class ModelOptions
{
    // Tiny ImageNet's 64 still count as small: the large form would leave 2x2 positions of them.
    private const int LargestSmall = 64;

    // CIFAR's and ImageNet's usual rows.
    private const int UsualSmall = 32, UsualLarge = 224;

    public static bool IsSmall(int? imageSize) => imageSize <= LargestSmall;

    /// <summary>The size that a form is usually fed with, where none is given.</summary>
    public static int SizeOf(int? imageSize, bool small) => imageSize ?? (small ? UsualSmall : UsualLarge);

    /// <summary>The stem for images of that size; the large one where none is given.</summary>
    public static Stem StemFor(int? imageSize) => IsSmall(imageSize) ? Stem.Cifar : Stem.Imagenet;

    /// <summary>Complains about a size that is below 1 or no multiple of another.</summary>
    public static void RequireMultiple(int value, string key, int of, string ofKey)
    {
        OptionBinder.RequireAtLeast(1, of, "model." + ofKey);
        OptionBinder.RequireAtLeast(1, value, "model." + key);
        if (value % of != 0)
        {
            throw new OptionException($"option 'model.{key}' is {value}, expected a multiple of 'model.{ofKey}', which is {of}");
        }
    }

    /// <summary>Complains about a dropout that is no share, before anything is made.</summary>
    public static void RequireDropout(float dropout)
    {
        if (dropout is not (>= 0f and < 1f))
        {
            throw new OptionException(FormattableString.Invariant($"option 'model.dropout' is {dropout}, expected a number from 0 to below 1"));
        }
    }
}
