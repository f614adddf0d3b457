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

        AddAligned(file, StateDict.Read(module));
        file.Write(path);
    }

    /// <summary>Reads the weights in a file: those of a safetensors file, or the network's in a checkpoint of ours.</summary>
    /// <exception cref="WeightsFormatException">The file is missing, damaged or of a format that is not read.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Read(string path) => ReadFile(path).Tensors;

    /// <summary>The weights of a file as a safetensors file to write.</summary>
    /// <param name="path">The file, as <see cref="Read"/> takes it. Its texts are kept, but those of a checkpoint.</param>
    /// <exception cref="WeightsFormatException">It is missing, damaged or of a format that is not read.</exception>
    public static SafeTensors Convert(string path)
    {
        var read = ReadFile(path);
        var file = new SafeTensors();
        foreach (var (key, value) in read.Metadata)
        {
            file.Metadata.Add(key, value);
        }

        file.Metadata.TryAdd("format", "pt");
        AddAligned(file, read.Tensors);
        return file;
    }

    private static SafeTensors ReadFile(string path)
    {
        SafeTensors file;
        try
        {
            file = SafeTensors.Read(path);
        }
        catch (WeightsFormatException e) when (IsPyTorch(path))
        {
            throw new WeightsFormatException($"{path}: a PyTorch file; this version reads safetensors files only, as safetensors.torch.save_file writes them", e);
        }

        if (!Checkpoint.IsCheckpoint(file))
        {
            return file;
        }

        var network = new SafeTensors();
        foreach (var (name, tensor) in file.Tensors.Where(t => t.Key.StartsWith(Checkpoint.ModelPrefix, StringComparison.Ordinal)))
        {
            network.Tensors.Add(name[Checkpoint.ModelPrefix.Length..], tensor);
        }

        return network;
    }

    // The widest elements first, as the format's own writer does, so that every tensor is aligned to its element size.
    private static void AddAligned(SafeTensors file, IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        foreach (var (name, tensor) in tensors.OrderByDescending(t => t.Value.Bytes.Length / Math.Max(1, t.Value.Count)))
        {
            file.Tensors.Add(name, tensor);
        }
    }

    /// <summary>Overwrites the network's state, all of it or nothing; what names are understood says <see cref="StateDict"/>.</summary>
    /// <exception cref="WeightsFormatException">The file is missing or damaged, or does not fit.</exception>
    public static void Load(Module module, string path) => StateDict.Load(module, Read(path), path);

    /// <summary>Overwrites what fits and leaves the rest as it is.</summary>
    /// <returns>What did not fit.</returns>
    /// <exception cref="WeightsFormatException">The file is missing or damaged.</exception>
    public static StateDictReport LoadPartial(Module module, string path) => StateDict.LoadPartial(module, Read(path), path);

    // A zip archive, or a pickle of protocol 2 (what torch.save wrote before archives).
    private static bool IsPyTorch(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[4];
            int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return start[..read].SequenceEqual("PK\u0003\u0004"u8) || (read >= 2 && start[0] == 0x80 && start[1] == 2);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
