#!/usr/bin/python3
"""Prints the checksums that tests/Nn.Tests/Data/ImageResizerTests.cs expects: what torchvision makes, through PIL, of images by a formula.

Needs PyTorch, torchvision and Pillow, as in Debian's python3-torchvision.
"""

import zlib

import numpy as np
from PIL import Image
from torchvision.transforms import functional as F
from torchvision.transforms.functional import InterpolationMode

# Rows, columns, shorter side before the cut, size of the cut.
CENTRES = [(40, 60, 32, 32), (61, 47, 37, 32), (9, 7, 20, 17), (100, 333, 64, 56), (500, 375, 256, 224), (33, 32, 31, 31), (8, 8, 8, 5)]
# Rows, columns, the part's first row and column, its rows and columns, rows and columns of the result.
PARTS = [(40, 60, 3, 5, 30, 41, 32, 32), (40, 60, 0, 0, 40, 60, 7, 90), (17, 19, 16, 18, 1, 1, 5, 4), (200, 300, 11, 100, 150, 113, 64, 64)]


def image(rows, columns):
    c, y, x = np.meshgrid(np.arange(3), np.arange(rows), np.arange(columns), indexing="ij")
    return Image.fromarray(((37 * c + 11 * y + 5 * x + x * y) % 256).astype(np.uint8).transpose(1, 2, 0))


def checksum(result):
    return f"0x{zlib.crc32(np.ascontiguousarray(np.asarray(result).transpose(2, 0, 1)).tobytes()):08x}"


for rows, columns, shorter, size in CENTRES:
    scaled = F.resize(image(rows, columns), shorter, InterpolationMode.BILINEAR)
    print(f"[InlineData({rows}, {columns}, {shorter}, {size}, {checksum(F.center_crop(scaled, size))})]")
for rows, columns, top, left, height, width, h, w in PARTS:
    result = F.resized_crop(image(rows, columns), top, left, height, width, (h, w), InterpolationMode.BILINEAR)
    print(f"[InlineData({rows}, {columns}, {top}, {left}, {height}, {width}, {h}, {w}, {checksum(result)})]")
