using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace SmartFrz.Tensors;

/// <summary>The extents of a tensor, outermost first. A value: equal when all extents are equal.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The most axes a tensor can have (attention needs five: B, T, 3, H, D).</summary>
    public const int MaxRank = 6;

    private readonly Extents _extents;

    /// <summary>A shape with these extents; none makes a scalar.</summary>
    /// <exception cref="ShapeException">More than <see cref="MaxRank"/> axes, or a negative extent.</exception>
    public Shape(params ReadOnlySpan<int> extents)
    {
        if (extents.Length > MaxRank)
        {
            throw new ShapeException($"a shape has at most {MaxRank} axes, {extents.Length} were given");
        }

        Rank = extents.Length;
        for (int i = 0; i < extents.Length; i++)
        {
            if (extents[i] < 0)
            {
                throw new ShapeException($"axis {i} of a shape has extent {extents[i]}, it must not be negative");
            }

            _extents[i] = extents[i];
        }
    }

    /// <summary>The number of axes; 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>The number of elements.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            for (int i = 0; i < Rank; i++)
            {
                count *= _extents[i];
            }

            return count;
        }
    }

    /// <summary>The extent of an axis; negative axes count from the end.</summary>
    public int this[int axis]
    {
        get
        {
            int i = axis < 0 ? axis + Rank : axis;
            return i >= 0 && i < Rank ? _extents[i] : throw new ShapeException($"axis {axis} of shape {this}, which has {Rank} axes");
        }
    }

    /// <summary>Whether all extents are equal.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Whether an extent differs.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>The extents as an array.</summary>
    public int[] ToArray()
    {
        var extents = new int[Rank];
        for (int i = 0; i < Rank; i++)
        {
            extents[i] = _extents[i];
        }

        return extents;
    }

    /// <summary>The shape with one extent replaced.</summary>
    public Shape With(int axis, int extent)
    {
        var extents = ToArray();
        extents[axis < 0 ? axis + Rank : axis] = extent;
        return new Shape(extents);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other)
    {
        if (Rank != other.Rank)
        {
            return false;
        }

        for (int i = 0; i < Rank; i++)
        {
            if (_extents[i] != other._extents[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (int i = 0; i < Rank; i++)
        {
            hash.Add(_extents[i]);
        }

        return hash.ToHashCode();
    }

    /// <summary>As in <c>(8,3,32,32)</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("(");
        for (int i = 0; i < Rank; i++)
        {
            text.Append(i > 0 ? "," : "").Append(_extents[i].ToString(CultureInfo.InvariantCulture));
        }

        return text.Append(')').ToString();
    }

    [InlineArray(MaxRank)]
    private struct Extents
    {
        private int _first;
    }
}

/// <summary>Operands whose shapes do not fit; the message has both sides.</summary>
public sealed class ShapeException : ArgumentException
{
    /// <summary>With a message that names both sides.</summary>
    public ShapeException(string message)
        : base(message)
    {
    }

    /// <summary>Without a message.</summary>
    public ShapeException()
    {
    }

    /// <summary>With a message and a cause.</summary>
    public ShapeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
