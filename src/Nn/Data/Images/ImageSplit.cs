using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>The images of a split, found and not yet decoded.</summary>
/// <param name="Where">The folder or archive.</param>
/// <param name="Files">The images by class and name, in ordinal order.</param>
/// <param name="Skipped">Files that are neither JPEG nor PNG by their names, junk left out.</param>
internal sealed record ImageSplit(string Where, IReadOnlyList<ImageFile> Files, IReadOnlyList<string> Skipped)
{
    private static readonly string[] ArchiveEndings = [".tar", ".tar.gz", ".tgz", ".zip"];

    /// <summary>The classes in ordinal order.</summary>
    public IReadOnlyList<string> Classes { get; } = [.. Files.Select(f => f.Class).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Finds the folder or archive of a split in a directory: a folder of one of the names, else an archive with one in its name.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="words">The split's names, the first that is found counts.</param>
    /// <param name="not">A word that rules an archive out.</param>
    /// <exception cref="DataFormatException">There is none, or there are several.</exception>
    public static (string Path, string Word) Find(string directory, IReadOnlyList<string> words, string? not = null)
    {
        if (!Directory.Exists(directory))
        {
            throw new DataFormatException($"{directory}: image-folder needs a directory; {DataFiles.Describe(directory)}");
        }

        foreach (string word in words)
        {
            string[] found = [.. Candidates(directory, word, not)];
            if (found.Length > 0)
            {
                return found.Length == 1 ? (Path.Combine(directory, found[0]), word)
                    : throw new DataFormatException($"{directory}: {found.Length} archives for the split {word}: {string.Join(", ", found)}");
            }
        }

        throw new DataFormatException(
            $"{directory}: image-folder needs a folder {string.Join(" or ", words)}, or an archive ({string.Join(", ", ArchiveEndings)}) with that in its name; {DataFiles.Describe(directory)}");
    }

    /// <summary>
    /// The directory that holds the splits: the given one, or where it holds one folder alone, or the official archive's folders, the one below.
    /// </summary>
    /// <param name="directory">The directory that was given.</param>
    /// <param name="words">The names of a split that must be there.</param>
    public static string Root(string directory, IReadOnlyList<string> words)
    {
        const int deepest = 4;
        string at = directory;
        for (int depth = 0; depth < deepest && Directory.Exists(at); depth++)
        {
            if (words.Any(w => Candidates(at, w, null).Any()))
            {
                return at;
            }

            string official = Path.Combine(at, "Data", "CLS-LOC");
            string[] folders = Directory.Exists(official) ? [official]
                : [.. Directory.EnumerateFileSystemEntries(at).Where(p => !ImageFile.IsJunk(Path.GetFileName(p)))];
            if (folders.Length != 1 || !Directory.Exists(folders[0]))
            {
                break;
            }

            at = folders[0];
        }

        return directory;
    }

    // A folder of that name, or the archives with it in their names.
    private static IEnumerable<string> Candidates(string directory, string word, string? not)
    {
        const StringComparison anyCase = StringComparison.OrdinalIgnoreCase;
        string[] names = [.. Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)];
        string? folder = Array.Find(names, n => n.Equals(word, anyCase) && Directory.Exists(Path.Combine(directory, n)));
        return folder is not null ? [folder]
            : names.Where(n => n.Contains(word, anyCase) && (not is null || !n.Contains(not, anyCase))
                && ArchiveEndings.Any(e => n.EndsWith(e, anyCase)) && File.Exists(Path.Combine(directory, n)));
    }

    /// <summary>Lists a folder, or reads an archive.</summary>
    /// <exception cref="DataFormatException">It is damaged, or not laid out as CLASS/FILE.</exception>
    public static ImageSplit Open(string path)
    {
        var skipped = new List<string>();
        List<(string Name, byte[]? Bytes)> found = [.. Directory.Exists(path) ? FolderFiles(path, Wanted) : ArchiveFiles(path, Wanted)];
        if (found.Count == 0)
        {
            string[] inner = [.. skipped.Where(n => ArchiveEndings.Any(e => n.EndsWith(e, StringComparison.OrdinalIgnoreCase))).Order(StringComparer.Ordinal)];
            throw new DataFormatException(inner.Length == 0
                ? $"{path}: no JPEG or PNG files there, expected CLASS/FILE"
                : $"{path}: no JPEG or PNG files there but {inner.Length} archives, {inner[0]} first: unpack each into a folder with the name of its class");
        }

        bool folder = Directory.Exists(path);
        string[][] parts = [.. found.Select(f => f.Name.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToArray())];
        if (found.Count > 1 && parts.All(p => p.Length == 1))
        {
            throw new DataFormatException(
                $"{path}: {found.Count} images without folders of classes, {found[0].Name} one of them; ImageNet's validation images come so and are to be sorted into CLASS/FILE first");
        }

        int above = folder ? 0 : CommonFolders(parts);
        var files = new ImageFile[found.Count];
        for (int i = 0; i < files.Length; i++)
        {
            var (name, bytes) = found[i];
            if (parts[i].Length < above + 2)
            {
                throw new DataFormatException($"{path}: {MessageText.Printable(name)} lies outside the folders of the classes, expected CLASS/FILE");
            }

            string where = folder ? Path.Combine(path, name) : $"{path}: {MessageText.Printable(name)}";
            files[i] = new ImageFile(parts[i][above], string.Join('/', parts[i][(above + 1)..]), where, bytes);
        }

        Array.Sort(files, (a, b) => string.CompareOrdinal(a.Class, b.Class) is var c && c != 0 ? c : string.CompareOrdinal(a.Name, b.Name));
        for (int i = 1; i < files.Length; i++)
        {
            if (files[i].Class == files[i - 1].Class && files[i].Name == files[i - 1].Name)
            {
                throw new DataFormatException($"{files[i].Where} is there twice");
            }
        }

        skipped.Sort(StringComparer.Ordinal);
        return new ImageSplit(path, files, skipped);

        bool Wanted(string name)
        {
            if (ImageFile.IsJunk(name))
            {
                return false;
            }

            bool image = ImageFile.IsImage(name);
            if (!image)
            {
                skipped.Add(name);
            }

            return image;
        }
    }

    private static IEnumerable<(string Name, byte[]? Bytes)> FolderFiles(string path, Func<string, bool> wanted)
    {
        string[] found;
        try
        {
            found = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(path, f).Replace(Path.DirectorySeparatorChar, '/')).Where(wanted)];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DataFormatException($"{path}: a folder in it may not be read: {e.Message}", e);
        }

        // An empty class would shift the labels of all after it when it is filled.
        var classes = found.Select(f => f.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        foreach (string folder in Directory.EnumerateDirectories(path).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal))
        {
            if (!ImageFile.IsJunk(folder) && !classes.Contains(folder))
            {
                throw new DataFormatException($"{Path.Combine(path, folder)}: no JPEG or PNG files there, and every folder is a class");
            }
        }

        return found.Select(f => (f, (byte[]?)null));
    }

    private static IEnumerable<(string Name, byte[]? Bytes)> ArchiveFiles(string path, Func<string, bool> wanted)
    {
        using var file = DataFiles.Open(path);
        var budget = new ByteBudget(file.Length, path);
        bool zip = path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);
        using var plain = zip ? null : new PlainStream(file, path);
        foreach (var (name, bytes) in zip ? ZipArchiveReader.Read(file, path, budget, wanted) : TarArchiveReader.Read(plain!, path, budget, wanted))
        {
            yield return (name, bytes);
        }
    }

    // Folders above the classes that all entries have in common: "cifar/train" in cifar/train/cat/1.png.
    private static int CommonFolders(string[][] parts)
    {
        int common = parts.Min(p => p.Length) - 2;
        for (int i = 0; i < common; i++)
        {
            if (parts.Any(p => p[i] != parts[0][i]))
            {
                return i;
            }
        }

        return Math.Max(0, common);
    }
}
