#!/usr/bin/python3
"""Trains resnet20 for one epoch from scratch on the 50,000 images of CIFAR-10 re-encoded as JPEG, here and in PyTorch by the same recipe, and
holds the test accuracies against each other. Writes all figures as JSON.

Recipe: batches of 128, a last one that is not full left out; images over 4 black pixels on each side cut at random, mirrored at random;
ImageNet's mean and deviation; SGD with Nesterov momentum 0.9, weight decay 5e-4 on all parameters, the learning rate from 0.1 along half a
cosine to 0, step by step; PyTorch's default initialisation; tested on the 10,000 test images. Seeds give initial weights, order and
augmentation, on both sides by generators of their own; the decoders are libjpeg-turbo there and a managed one here.

The folder holds cifar10-train.tar.gz and cifar10-test.tar.gz with entries CLASS/NUMBER.jpg.
Needs PyTorch and Pillow, as in Debian's python3-torch and python3-pil. Run as: jpeg_training.py [--out FILE] FOLDER COMMAND..., for example
jpeg_training.py FOLDER dotnet path/to/SmartFrz.Cli.dll
"""

import argparse
import json
import math
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from models import MODELS
from statistics_of_runs import difference, summary

MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
BATCH, RATE, MOMENTUM, DECAY, PAD = 128, 0.1, 0.9, 5e-4, 4


def load(path):
    """Pixels (N,3,32,32) and labels, in the archive's order."""
    images, names = [], []
    with tarfile.open(path, "r|gz") as archive:
        for entry in archive:
            images.append(np.asarray(Image.open(archive.extractfile(entry))).transpose(2, 0, 1))
            names.append(entry.name.split("/")[0])
    classes = sorted(set(names))
    return torch.from_numpy(np.stack(images)), torch.tensor([classes.index(n) for n in names])


def normalised(pixels):
    return (pixels.float() / 255 - MEAN[:, None, None]) / DEVIATION[:, None, None]


def augmented(pixels, generator):
    padded = F.pad(pixels, (PAD, PAD, PAD, PAD))
    moves = torch.randint(0, 2 * PAD + 1, (len(pixels), 2), generator=generator).tolist()
    cut = torch.stack([image[:, y : y + 32, x : x + 32] for image, (y, x) in zip(padded, moves)])
    flip = torch.rand(len(cut), generator=generator) < 0.5
    cut[flip] = cut[flip].flip(-1)
    return normalised(cut)


def theirs(training, test, seed):
    x, y = training
    torch.manual_seed(seed)
    model = MODELS["resnet20"][0]().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(seed)
    steps = len(x) // BATCH
    order = torch.randperm(len(x), generator=generator)[: steps * BATCH].reshape(steps, BATCH)
    start, losses = time.perf_counter(), []
    for step, batch in enumerate(order):
        optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(augmented(x[batch], generator)), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        right = sum((model(normalised(a)).argmax(1) == b).sum().item() for a, b in zip(test[0].split(500), test[1].split(500)))
    return dict(seed=seed, test_accuracy=right / len(test[1]), train_loss=float(np.mean(losses)), seconds=seconds)


def ours(command, folder, seed):
    with tempfile.TemporaryDirectory() as out:
        run = json.loads(subprocess.run(
            [*command, "train", "--model", "resnet20", "--data", "image-folder", "--data-dir", str(folder), "--epochs", "1", "--batch", str(BATCH), "--lr", str(RATE),
             "--momentum", str(MOMENTUM), "--nesterov", "--weight-decay", str(DECAY), "--schedule", "cosine", "--set", f"train.crop={PAD}", "--set", "train.flip=true",
             "--policy", "none", "--seed", str(seed), "--threads", "1", "--out", out, "--json", "--quiet"],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    return dict(seed=seed, test_accuracy=run["test_accuracy"], train_loss=run["train_loss"], seconds=run["train_seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=lambda s: [int(v) for v in s.split(",")], default=[1, 2, 3])
    parser.add_argument("--out", type=Path, help="the file of the figures; default: standard output alone")
    parser.add_argument("folder", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    torch.set_num_threads(1)
    training, test = (load(options.folder / f"cifar10-{split}.tar.gz") for split in ("train", "test"))
    result = dict(model="resnet20", train_images=len(training[1]), test_images=len(test[1]), smartfrz=[], pytorch=[])
    for seed in options.seeds:
        for side, run in (("smartfrz", lambda: ours(options.command, options.folder, seed)), ("pytorch", lambda: theirs(training, test, seed))):
            result[side].append(run())
            print(side, result[side][-1], file=sys.stderr, flush=True)
    both = [[run["test_accuracy"] for run in result[side]] for side in ("smartfrz", "pytorch")]
    result["test_accuracy"] = dict(smartfrz=summary(both[0]), pytorch=summary(both[1]), difference=difference(*both) if len(options.seeds) > 1 else None)
    text = json.dumps(result, indent=1)
    if options.out:
        options.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
