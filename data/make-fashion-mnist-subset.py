#!/usr/bin/env python3
"""Writes the first N items of each Fashion-MNIST split, again as gzipped IDX files.

Usage: make-fashion-mnist-subset.py SOURCE TARGET

SOURCE holds the four original files; Debian's package dataset-fashion-mnist puts them in
/usr/share/datasets/fashion-mnist. The unpacked bytes depend on SOURCE alone; the packed ones also on the zlib in use.
"""

import gzip
import struct
import sys
from pathlib import Path

COUNTS = {"train": 10_000, "t10k": 2_000}


def main(source: Path, target: Path) -> None:
    for split, count in COUNTS.items():
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{split}-{kind}-ubyte.gz"
            data = gzip.decompress((source / name).read_bytes())

            # IDX: two zero bytes, the element type (8 is ubyte), the rank, then each extent as a big-endian int32.
            zero, element, rank = struct.unpack_from(">HBB", data)
            extents = struct.unpack_from(f">{rank}i", data, 4)
            header = 4 + 4 * rank
            size = (len(data) - header) // extents[0]
            if zero != 0 or element != 8 or len(data) != header + size * extents[0] or extents[0] < count:
                sys.exit(f"{source / name}: not an IDX file of at least {count} items")

            with open(target / name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
                packed.write(data[:4] + struct.pack(f">{rank}i", count, *extents[1:]) + data[header : header + size * count])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
