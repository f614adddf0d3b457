namespace SmartFrz.Nn.Data;

/// <summary>What tells the two CIFAR data sets apart.</summary>
/// <param name="Name">The name in messages.</param>
/// <param name="Source">The name of the source that reads it.</param>
/// <param name="Folder">The folder that the official archive unpacks to.</param>
/// <param name="Archive">The official archive of the binary version.</param>
/// <param name="PythonFolder">The folder that the archive of the Python version unpacks to.</param>
/// <param name="LabelBytes">Bytes before the pixels of a record; the last one is the label.</param>
/// <param name="TrainFiles">The files of the training split.</param>
/// <param name="TestFile">The file of the test split.</param>
/// <param name="ClassNames">The classes' names.</param>
internal sealed record CifarFormat(
    string Name, string Source, string Folder, string Archive, string PythonFolder, int LabelBytes, string[] TrainFiles, string TestFile, string[] ClassNames)
{
    public const int Channels = 3, Size = 32, PixelBytes = Channels * Size * Size;

    public static CifarFormat Cifar10 { get; } = new(
        "CIFAR-10",
        "cifar10",
        "cifar-10-batches-bin",
        "cifar-10-binary.tar.gz",
        "cifar-10-batches-py",
        1,
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        "test_batch.bin",
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]);

    public static CifarFormat Cifar100 { get; } = new(
        "CIFAR-100",
        "cifar100",
        "cifar-100-binary",
        "cifar-100-binary.tar.gz",
        "cifar-100-python",
        2,
        ["train.bin"],
        "test.bin",
        [
            "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
            "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
            "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
            "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
            "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
            "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
            "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
            "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
            "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
            "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
        ]);

    public int RecordBytes => LabelBytes + PixelBytes;

    public CifarFormat Other => this == Cifar10 ? Cifar100 : Cifar10;
}
