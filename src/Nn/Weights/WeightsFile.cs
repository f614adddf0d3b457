namespace SmartFrz.Nn.Weights;

/// <summary>The weights of a network in a file: safetensors, readable by PyTorch's tools and the other way round; what torch.save wrote is read too.</summary>
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

    /// <summary>Reads the weights in a file: those of a safetensors file, the network's in a checkpoint of ours, or those of a <see cref="PyTorchFile"/>.</summary>
    /// <exception cref="WeightsFormatException">The file is missing, damaged or of a format that is not read.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Read(string path) => ReadFile(path).Tensors;

    /// <summary>The weights of a file as a safetensors file to write.</summary>
    /// <param name="path">The file, as <see cref="Read"/> takes it. Its texts are kept, but those of a checkpoint.</param>
    /// <param name="type">The type of the floating-point tensors, as <see cref="StoredTensor.To"/> takes it; null for each its own.</param>
    /// <exception cref="WeightsFormatException">It is missing, damaged or of a format that is not read.</exception>
    public static SafeTensors Convert(string path, string? type = null)
    {
        var read = ReadFile(path);
        var file = new SafeTensors();
        foreach (var (key, value) in read.Metadata)
        {
            file.Metadata.Add(key, value);
        }

        file.Metadata.TryAdd("format", "pt");
        AddAligned(file, type is null ? read.Tensors : read.Tensors.Select(t => KeyValuePair.Create(t.Key, t.Value.To(type))));
        return file;
    }

    private static SafeTensors ReadFile(string path)
    {
        if (IsPyTorch(path))
        {
            var stored = new SafeTensors();
            foreach (var (name, tensor) in PyTorchFile.Read(path))
            {
                stored.Tensors.Add(name, tensor);
            }

            return stored;
        }

        var file = SafeTensors.Read(path);
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

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="WeightsFormatException">It is missing or may not be read.</exception>
    internal static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new WeightsFormatException($"{path}: there is no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new WeightsFormatException(Directory.Exists(path) ? $"{path}: a directory, expected a file" : $"{path}: may not be read", e);
        }
        catch (IOException e)
        {
            throw new WeightsFormatException($"{path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static bool IsPyTorch(string path)
    {
        using var file = Open(path);
        Span<byte> start = stackalloc byte[16];
        try
        {
            int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return PyTorchFile.Begins(start[..read]);
        }
        catch (IOException e)
        {
            throw new WeightsFormatException($"{path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
