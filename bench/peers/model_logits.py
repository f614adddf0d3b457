#!/usr/bin/python3
"""Prints the logits that tests/Nn.Tests/Models/TorchvisionLogitsTests.cs expects: torchvision's networks in double precision, in
evaluation mode, with weights and images made by formulas.

Needs PyTorch, torchvision and NumPy, as in Debian's python3-torchvision.
"""

import sys

import numpy as np
import torch
import torchvision

SIDE, CLASSES, IMAGES = 32, 10, 2
CASES = [
    ("resnet18", "imagenet"), ("resnet18", "cifar"), ("resnet50", "imagenet"), ("vgg11", "cifar"), ("vgg11_bn", "cifar"),
    ("mobilenet_v2", "imagenet"), ("mobilenet_v2", "cifar"),
]


def numbers(count, stream):
    """Numbers in [-1, 1) of 24 bits: a hash of the position (lowbias32 of Wellons' hash-prospector)."""
    x = (np.arange(count, dtype=np.uint64) + stream * 0x9E3779B9 & 0xFFFFFFFF).astype(np.uint32)
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    x = x ^ x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def fill(model):
    """Matrices and filters uniform with a variance of 2 / fan_in; factors and variances from 0.5 to 1.5; terms and means up to a quarter."""
    stream = 0
    for name, tensor in model.state_dict().items():
        if tensor.dtype != torch.float32:
            continue
        values = numbers(tensor.numel(), stream)
        stream += 1
        if tensor.dim() > 1:
            values *= np.float32((6 / (tensor.numel() // tensor.shape[0])) ** 0.5)
        elif name.endswith(("weight", "running_var")):
            values = 1 + values / 2
        else:
            values /= 4
        tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))


def images():
    n, c, y, x = np.meshgrid(np.arange(IMAGES), np.arange(3), np.arange(SIDE), np.arange(SIDE), indexing="ij")
    return torch.from_numpy(((17 * n + 37 * c + 11 * y + 5 * x + x * y) % 256) / 128.0 - 1)


def cifar(model):
    """The usual form for small images, of a torchvision network."""
    if isinstance(model, torchvision.models.ResNet):
        model.conv1 = torch.nn.Conv2d(3, model.conv1.out_channels, 3, padding=1, bias=False)
        model.maxpool = torch.nn.Identity()
    elif isinstance(model, torchvision.models.VGG):
        model.avgpool, model.classifier = torch.nn.Identity(), torch.nn.Linear(512, CLASSES)
    else:
        model.features[0][0].stride = (1, 1)
        model.features[2].conv[1][0].stride = (1, 1)
    return model


def main():
    for name, form in CASES:
        with torch.no_grad():
            model = torchvision.models.__dict__[name](num_classes=CLASSES)
            model = cifar(model) if form == "cifar" else model
            fill(model)
            logits = model.double().eval()(images())
        print(name, form, *(", ".join(f"{v:.7g}" for v in row) for row in logits.tolist()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
