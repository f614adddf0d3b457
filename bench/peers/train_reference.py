#!/usr/bin/python3
"""Measures what accuracy PyTorch reaches with the reference recipe, and how long a training step takes.

Recipe: the first 12,000 Fashion-MNIST training images, pixels (x/255 - 0.2860) / 0.3530, no augmentation, batch 64, a last batch
that is not full left out; SGD with Nesterov momentum 0.9 and weight decay 5e-4 on all parameters; the learning rate falls along
half a cosine to 0, step by step; PyTorch's default initialisation; tested on the 10,000 test images.

Models: cnn (105,866 parameters, learning rate 0.05) and resnet8 (77,754 parameters, learning rate 0.1, shortcuts with parameters).

Seconds per step cover cutting the batch, forward, loss, backward and update, not the test. Other jobs on the machine disturb them.

Needs PyTorch and NumPy, as in Debian's python3-torch, and the data, as in Debian's dataset-fashion-mnist.
"""

import argparse
import gzip
import math
import os
import platform
import statistics
import struct
import time
from pathlib import Path


import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN, DEVIATION = 0.2860, 0.3530
PARAMETERS = {"cnn": 105_866, "resnet8": 77_754}
LEARNING_RATES = {"cnn": 0.05, "resnet8": 0.1}


class Cnn(nn.Module):
    """Two convolutions with pooling, two linear layers, for 1x28x28."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def units(self):
        """What can freeze, in forward order, as name -> modules; the last one is the head."""
        return {"conv1": [self.conv1], "conv2": [self.conv2], "fc1": [self.fc1], "fc2": [self.fc2]}

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def projection(in_channels, out_channels, stride):
    """A shortcut with parameters: 1x1 convolution and batch normalisation (He et al., arXiv 1512.03385, option B)."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        same = stride == 1 and in_channels == out_channels
        self.downsample = nn.Identity() if same else shortcut(in_channels, out_channels, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class CifarResNet(nn.Module):
    """A 3x3 stem, three stages of basic blocks of widths 16, 32, 64 (or others), global average pooling, a linear head."""

    def __init__(self, in_channels, blocks_per_stage, shortcut, first_width=16, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, first_width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first_width)
        channels = first_width
        for stage in (1, 2, 3):
            width = first_width << (stage - 1)
            blocks = []
            for b in range(blocks_per_stage):
                blocks.append(BasicBlock(channels, width, 2 if stage > 1 and b == 0 else 1, shortcut))
                channels = width
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(channels, classes)

    def units(self):
        """What can freeze, in forward order, as name -> modules; the last one is the head."""
        stages = (("layer1", self.layer1), ("layer2", self.layer2), ("layer3", self.layer3))
        blocks = {f"{name}.{b}": [block] for name, stage in stages for b, block in enumerate(stage)}
        return {"stem": [self.conv1, self.bn1], **blocks, "head": [self.linear]}

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def build(name):
    model = Cnn() if name == "cnn" else CifarResNet(1, 1, projection)
    count = sum(p.numel() for p in model.parameters())
    assert count == PARAMETERS[name], f"{name} has {count} parameters, expected {PARAMETERS[name]}"
    return model


def freeze(modules):
    """No gradients, and batch normalisation by its running statistics. A later model.train() would undo the second."""
    for module in modules:
        module.requires_grad_(False)
        module.eval()


def read_idx(path, magic):
    data = gzip.decompress(path.read_bytes())
    if struct.unpack_from(">I", data)[0] != magic:
        raise SystemExit(f"{path}: not the IDX file expected")
    shape = struct.unpack_from(f">{magic & 0xFF}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def load(directory, split, count=None):
    images = read_idx(directory / f"{split}-images-idx3-ubyte.gz", 0x803)[:count]
    labels = read_idx(directory / f"{split}-labels-idx1-ubyte.gz", 0x801)[:count]
    x = torch.from_numpy(images.astype(np.float32)).unsqueeze(1).div_(255).sub_(MEAN).div_(DEVIATION)
    return x, torch.from_numpy(labels.astype(np.int64))


def parse_freeze(text, model):
    """'stem,layer1@0.3' -> (unit names, 0.3). A prefix is whole segments of a unit's name: layer1 means all its blocks."""
    prefixes, at, share = text.rpartition("@")
    try:
        share = float(share) if at else math.nan
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise SystemExit(f"--freeze {text}: expected PREFIX[,PREFIX...]@SHARE with a share from 0 to 1")

    units = list(model.units())
    chosen = set()
    for prefix in prefixes.split(","):
        matches = [u for u in units[:-1] if u == prefix or u.startswith(prefix + ".")]
        if not matches:
            raise SystemExit(f"--freeze {text}: '{prefix}' matches none of {', '.join(units[:-1])}")
        chosen.update(matches)
    return [u for u in units if u in chosen], share


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = sum((model(a).argmax(1) == b).sum().item() for a, b in zip(x.split(1000), y.split(1000)))
    return right / len(y)


def train(options, seed, data, test):
    """Trains once; returns the accuracy and the seconds per step before and after freezing."""
    x, y = data
    torch.manual_seed(seed)
    model = build(options.model)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    order = torch.Generator().manual_seed(seed)
    per_epoch = len(x) // options.batch
    total = options.epochs * per_epoch
    frozen, share = parse_freeze(options.freeze, model) if options.freeze else ([], 1.0)
    freeze_at = round(share * total) if frozen else total

    model.train()
    seconds = [0.0, 0.0]
    step = 0
    for _ in range(options.epochs):
        permutation = torch.randperm(len(x), generator=order)
        for b in range(per_epoch):
            if frozen and step == freeze_at:
                for unit in frozen:
                    freeze(model.units()[unit])
                group = optimizer.param_groups[0]
                for p in group["params"]:
                    if not p.requires_grad:
                        p.grad = None
                        optimizer.state.pop(p, None)
                group["params"] = [p for p in group["params"] if p.requires_grad]

            start = time.perf_counter()
            optimizer.param_groups[0]["lr"] = options.lr * 0.5 * (1 + math.cos(math.pi * step / total))
            batch = permutation[b * options.batch : (b + 1) * options.batch]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            seconds[step >= freeze_at] += time.perf_counter() - start
            step += 1

    before = seconds[0] / freeze_at if freeze_at else math.nan
    after = seconds[1] / (total - freeze_at) if freeze_at < total else math.nan
    return accuracy(model, *test), before, after


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(PARAMETERS), default="resnet8")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"), metavar="DIR")
    parser.add_argument("--images", type=int, default=12_000, help="training images, the first ones (default 12000)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, help="default: the model's")
    parser.add_argument("--seeds", type=lambda s: [int(v) for v in s.split(",")], default=[1, 2, 3], metavar="N,...",
                        help="default 1,2,3")
    parser.add_argument("--freeze", metavar="PREFIX,...@SHARE",
                        help="units to freeze and when, as in stem,layer1@0.3: at 30 %% of the steps")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.lr = LEARNING_RATES[options.model] if options.lr is None else options.lr
    torch.set_num_threads(options.threads)

    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, {options.threads} threads")
    print(f"{options.model}: {PARAMETERS[options.model]:,} parameters, lr {options.lr:g}, {options.epochs} epochs, batch {options.batch}, "
          f"{options.images:,} images, freeze {options.freeze or 'nothing'}", flush=True)
    data = load(options.data, "train", options.images)
    test = load(options.data, "t10k")

    accuracies = []
    for seed in options.seeds:
        result, before, after = train(options, seed, data, test)
        accuracies.append(result)
        times = f"{before:.4f} s/step"
        if options.freeze:
            times += f", {after:.4f} s/step frozen"
        print(f"seed {seed}: accuracy {100 * result:.2f} %, {times}", flush=True)
    print(f"mean accuracy {100 * statistics.mean(accuracies):.2f} %")


if __name__ == "__main__":
    main()
