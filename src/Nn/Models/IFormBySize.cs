namespace SmartFrz.Nn;

/// <summary>Options of a network that has a form of its own for small images, and takes it where the data's are small.</summary>
public interface IFormBySize
{
    /// <summary>Rows and columns of the input; null for those that the form is usually fed with.</summary>
    int? ImageSize { get; }
}
