#!/usr/bin/python3
"""Writes src/Nn/Data/Text/unicode-bases.txt: what is left of each character when it is decomposed (NFD) and its accents (category Mn) are
taken away. Hangul syllables are left out: they are decomposed by a formula.

A line holds consecutive characters: the code of the first one, then for each its bases, joined by + where there are several, - where
there is none. All numbers are hexadecimal.
"""

import unicodedata
from pathlib import Path


def bases(code):
    text = unicodedata.normalize("NFD", chr(code))
    return "+".join(f"{ord(c):x}" for c in text if unicodedata.category(c) != "Mn") or "-"


def main():
    lines = [f"# Unicode {unicodedata.unidata_version}, written by bench/peers/unicode_bases.py"]
    last = None
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or 0xAC00 <= code <= 0xD7A3 or unicodedata.normalize("NFD", chr(code)) == chr(code):
            continue
        if last is None or code != last + 1 or len(lines[-1]) > 120:
            lines.append(f"{code:x}")
        lines[-1] += " " + bases(code)
        last = code
    path = Path(__file__).parents[2] / "src/Nn/Data/Text/unicode-bases.txt"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
