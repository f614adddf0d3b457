using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class AugmentationTests
{
    [Fact]
    public void A_key_says_it_all()
    {
        var shift = Gen.Int[-Augmentation.LargestShift, Augmentation.LargestShift];
        Gen.Select(shift, shift, Gen.Bool).Sample(
            (dy, dx, flip) => Augmentation.FromKey(new Augmentation(dy, dx, flip).Key) == new Augmentation(dy, dx, flip), seed: "0000000000001");

        Assert.Equal(0UL, new Augmentation(0, 0, false).Key);
    }

    [Fact]
    public void Every_place_and_side_comes_equally_often()
    {
        const int images = 25_000, padding = 2;
        var generator = Augmentation.Generator(5, 1);
        var seen = Enumerable.Range(0, images).Select(i => Augmentation.Draw(generator, i, padding, mayFlip: true)).CountBy(a => a).ToArray();

        // 50 cells of 500 expected; five standard deviations are 111.
        Assert.Equal(50, seen.Length);
        Assert.All(seen, cell => Assert.InRange(cell.Value, 500 - 111, 500 + 111));
    }

    [Fact]
    public void Nothing_asked_for_is_nothing_done()
    {
        var generator = Augmentation.Generator(5, 1);

        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(default, Augmentation.Draw(generator, i, 0, mayFlip: false)));
        Assert.All(Enumerable.Range(0, 100), i => Assert.False(Augmentation.Draw(generator, i, 3, mayFlip: false).Flip));
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(0, Augmentation.Draw(generator, i, 0, mayFlip: true).Dx));
    }
}
