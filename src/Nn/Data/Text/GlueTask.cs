using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>A task of GLUE with two classes: which files hold its splits, and how they are laid out.</summary>
/// <param name="Name">The name of the source.</param>
/// <param name="Folders">Where below the directory the files may lie, as official archives unpack and as people name the folder; <c>""</c> is the directory itself.</param>
/// <param name="Layouts">The sets of files that make the data, the one that is looked for first coming first.</param>
/// <param name="Columns">The columns of a file.</param>
/// <param name="ClassNames">The names of classes 0 and 1.</param>
internal sealed record GlueTask(string Name, string[] Folders, GlueLayout[] Layouts, TsvColumns Columns, string[] ClassNames)
{
    /// <summary>The Corpus of Linguistic Acceptability: is a sentence grammatical?</summary>
    /// <remarks>Source: Warstadt, Singh, Bowman, "Neural network acceptability judgments" (2018).</remarks>
    public static GlueTask Cola { get; } = new(
        "cola",
        ["", "raw", "cola_public/raw", "cola", "CoLA", "CoLA/original/raw", "original/raw", "cola/cola_public/raw"],
        [new("official", ["in_domain_train.tsv"], ["in_domain_dev.tsv", "out_of_domain_dev.tsv"]), new("glue", ["train.tsv"], ["dev.tsv"])],
        new(["source", "label", "mark", "sentence"], ["sentence"], [], ["label"]),
        ["unacceptable", "acceptable"]);

    /// <summary>The Microsoft Research Paraphrase Corpus: do two sentences say the same?</summary>
    /// <remarks>Source: Dolan, Brockett, "Automatically constructing a corpus of sentential paraphrases" (2005).</remarks>
    public static GlueTask Mrpc { get; } = new(
        "mrpc",
        ["", "mrpc", "MRPC", "MSRParaphraseCorpus"],
        [new("official", ["msr_paraphrase_train.txt"], ["msr_paraphrase_test.txt"]), new("glue", ["train.tsv"], ["dev.tsv"])],
        new(["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["#1 String", "sentence1"], ["#2 String", "sentence2"], ["Quality", "label"]),
        ["different", "paraphrase"]);

    /// <summary>Reads both splits.</summary>
    /// <param name="directory">The directory that was given.</param>
    /// <param name="files">The name of the layout; null for the first that is there.</param>
    /// <exception cref="OptionException">There is no layout of that name.</exception>
    /// <returns>The examples, and a line on which files they are.</returns>
    /// <exception cref="DataFormatException">Files are missing or damaged; of several sets the one of which most is there is named.</exception>
    public (List<TextExample> Train, List<TextExample> Test, string Note) Read(string directory, string? files = null)
    {
        var layouts = Layouts.Where(l => files is null || l.Name == files).ToList();
        if (layouts.Count == 0)
        {
            throw new OptionException($"option 'data.files' is '{files}', expected {string.Join(" or ", Layouts.Select(l => l.Name))}");
        }

        var (folder, layout) = Locate(directory, layouts);
        return (ReadAll(layout.Train), ReadAll(layout.Test), $"{Name}: training on {string.Join(" and ", layout.Train)}, testing on {string.Join(" and ", layout.Test)} of {folder}");

        List<TextExample> ReadAll(string[] files)
        {
            var examples = new List<TextExample>();
            foreach (string file in files)
            {
                string path = Path.Combine(folder, file);
                using var stream = DataFiles.Open(path);
                examples.AddRange(Columns.Read(stream, path));
            }

            return examples;
        }
    }

    private (string Folder, GlueLayout Layout) Locate(string directory, List<GlueLayout> layouts)
    {
        (string Folder, string[] Missing, GlueLayout Layout)? nearest = null;
        foreach (string folder in Folders.Select(f => f.Length == 0 ? directory : Path.Combine(directory, f)).Where(Directory.Exists))
        {
            foreach (var layout in layouts)
            {
                string[] missing = [.. layout.Files.Where(f => !File.Exists(Path.Combine(folder, f)))];
                if (missing.Length == 0)
                {
                    return (folder, layout);
                }

                if (missing.Length < layout.Files.Length && (nearest is null || missing.Length < nearest.Value.Missing.Length))
                {
                    nearest = (folder, missing, layout);
                }
            }
        }

        string wanted = string.Join(", or ", layouts.Select(l => string.Join(", ", l.Files)));
        throw new DataFormatException(nearest is { } near
            ? $"{near.Folder}: {string.Join(" and ", near.Missing)} {(near.Missing.Length == 1 ? "is" : "are")} missing beside {near.Layout.Files.Except(near.Missing).First()}; {Name} needs {wanted}"
            : $"{directory}: {Name} needs {wanted}; {DataFiles.Describe(directory)}");
    }
}

/// <summary>The files of both splits.</summary>
/// <param name="Name">What an option calls it.</param>
/// <param name="Train">Those to train on.</param>
/// <param name="Test">Those to evaluate on.</param>
internal sealed record GlueLayout(string Name, string[] Train, string[] Test)
{
    /// <summary>All of them.</summary>
    public string[] Files => [.. Train, .. Test];
}
