"""BERT's uncased tokenizer, and the corpora read with it. Written from the description of the original (google-research/bert)."""

import hashlib
import unicodedata
from pathlib import Path

CLS, SEP, UNKNOWN, LONGEST_WORD = "[CLS]", "[SEP]", "[UNK]", 100
# The blocks of Han characters that the original splits off one by one.
HAN = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def is_punctuation(c):
    return 33 <= ord(c) <= 47 or 58 <= ord(c) <= 64 or 91 <= ord(c) <= 96 or 123 <= ord(c) <= 126 or unicodedata.category(c).startswith("P")


def words(text):
    """Lower case without accents, split at spaces, marks and Han characters."""
    cleaned = []
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) == "Zs":
            cleaned.append(" ")
        elif c in "\0\ufffd" or unicodedata.category(c).startswith("C"):
            continue
        else:
            cleaned.append(f" {c} " if any(low <= ord(c) <= high for low, high in HAN) else c)
    plain = "".join(c for c in unicodedata.normalize("NFD", "".join(cleaned).lower()) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if is_punctuation(c) else c for c in plain).split()


class Tokenizer:
    def __init__(self, path):
        self.ids = {token: i for i, token in enumerate(Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n"))}

    def pieces(self, word):
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self.ids.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return [self.ids[UNKNOWN]]
            found.append(piece)
            start = end
        return found if len(word) <= LONGEST_WORD else [self.ids[UNKNOWN]]

    def encode(self, text, pair=None):
        """The tokens of a text or of two, and which of the two each belongs to."""
        first, second = [[i for word in words(part) for i in self.pieces(word)] for part in (text, pair or "")]
        ids = [self.ids[CLS], *first, self.ids[SEP]]
        types = [0] * len(ids)
        if pair is not None:
            ids += [*second, self.ids[SEP]]
            types += [1] * (len(ids) - len(types))
        return ids, types


def rows(path):
    lines = Path(path).read_bytes().decode("utf-8-sig").split("\n")
    return [line.rstrip("\r").split("\t") for line in lines if line.rstrip("\r")]


# Name -> files to train on, files to test on, and what of a row is label, text and the other text.
TASKS = {
    "cola": (["cola/in_domain_train.tsv"], ["cola/in_domain_dev.tsv", "cola/out_of_domain_dev.tsv"], 0, (1, 3, None)),
    "mrpc": (["mrpc/msr_paraphrase_train.txt"], ["mrpc/msr_paraphrase_test.txt"], 1, (0, 3, 4)),
}


def read(task, data, hashes):
    """Training and test examples of a task as (tokens, types, label); the tokens of every file are held against their known hash."""
    tokenizer = Tokenizer(data / "bert/vocab.txt")
    training, test, header, (label, text, pair) = TASKS[task]

    def examples(files):
        result = []
        for file in files:
            own = [(*tokenizer.encode(row[text], None if pair is None else row[pair]), int(row[label])) for row in rows(data / file)[header:]]
            sha = hashlib.sha256("".join(" ".join(map(str, ids)) + "\n" for ids, _, _ in own).encode()).hexdigest()
            assert sha == hashes[file]["sha256"], f"{file}: the tokens are not those of BERT's tokenizer"
            result += own
        return result

    return examples(training), examples(test)
