namespace SmartFrz.Nn.Weights;

/// <summary>The weights of a network in a safetensors file, readable by PyTorch's tools and the other way round.</summary>
public static class WeightsFile
{
    /// <summary>Writes the network's state, whole or not at all.</summary>
    /// <param name="module">The network.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Texts to keep with it.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Save(Module module, string path, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        var file = new SafeTensors();
        // What tools look at to know whose layout the tensors have.
        file.Metadata["format"] = "pt";
        foreach (var (key, value) in metadata ?? [])
        {
            file.Metadata[key] = value;
        }

        // The widest elements first, as the format's own writer does, so that every tensor is aligned to its element size.
        foreach (var (name, tensor) in StateDict.Read(module).OrderByDescending(t => t.Value.Bytes.Length / Math.Max(1, t.Value.Count)))
        {
            file.Tensors.Add(name, tensor);
        }

        file.Write(path);
    }

    /// <summary>Overwrites the network's state, all of it or nothing; what names are understood says <see cref="StateDict"/>.</summary>
    /// <exception cref="WeightsFormatException">The file is missing or damaged, or does not fit.</exception>
    public static void Load(Module module, string path) => StateDict.Load(module, SafeTensors.Read(path).Tensors, path);

    /// <summary>Overwrites what fits and leaves the rest as it is.</summary>
    /// <returns>What did not fit.</returns>
    /// <exception cref="WeightsFormatException">The file is missing or damaged.</exception>
    public static StateDictReport LoadPartial(Module module, string path) => StateDict.LoadPartial(module, SafeTensors.Read(path).Tensors, path);
}
