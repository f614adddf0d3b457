#!/usr/bin/python3
"""Holds `smartfrz step` against PyTorch for every network at its full size, from weights and batches made by formulas: logits, losses,
gradients and the state after steps of SGD and AdamW, unfrozen, with a frozen prefix, a frozen unit in the middle and a growing prefix.

PyTorch computes each case in double and in single precision. Of each tensor our error is put beside that of PyTorch's single precision,
both as the length of the difference to double precision; the largest ratio of each kind is printed, and the exit code is 1 if one is above
20. Millions of ReLUs and windows always hold some whose way is decided by rounding: what they can change, which is the difference between
double precision with all of those open and all of them shut, is no error (the median share of a gradient is printed). What is frozen from the start has to keep its bytes.

Give the command as it is run here, and after -- the networks and cases to try, or nothing for all, for example:
full_parity.py dotnet path/to/SmartFrz.Cli.dll -- deit_tiny adamw
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F
import torchvision

import formulas
import golden_steps
import transformers
from parity import arguments, matches, read, write

FACTOR, ROUNDING, STEPS, CLASSES = 20, 2.0**-24, 2, 1000
SGD, ADAMW = dict(lr=1e-4, momentum=0.9, weight_decay=5e-4), dict(optimizer="adamw", lr=1e-4, weight_decay=0.01)

# VGG's 133 million parameters take PyTorch 10 GB in double precision: its batches are single images.
# Name -> (the network in PyTorch, our options, shape of the batch, frozen prefix, frozen middle, what freezes before the second step).
NETWORKS = {
    "resnet18": (torchvision.models.resnet18, [], (2, 3, 224, 224), ["conv1", "bn1", "layer1"], ["layer2.1"], ["conv1", "bn1", "layer1.0"]),
    "resnet50": (torchvision.models.resnet50, [], (2, 3, 224, 224), ["conv1", "bn1", "layer1"], ["layer3.2"], ["conv1", "bn1", "layer1.0"]),
    "vgg11": (lambda: torchvision.models.vgg11(dropout=0.0), ["model.dropout=0"], (1, 3, 224, 224), ["features.0", "features.3"], ["features.8"], ["features.0"]),
    "vgg11_bn": (lambda: torchvision.models.vgg11_bn(dropout=0.0), ["model.dropout=0"], (1, 3, 224, 224),
                 ["features.0", "features.1"], ["features.8", "features.9"], ["features.0", "features.1"]),
    "mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(dropout=0.0), ["model.dropout=0"], (2, 3, 224, 224),
                     ["features.0", "features.1"], ["features.8"], ["features.0"]),
    "deit_tiny": (transformers.Deit, [], (2, 3, 224, 224), ["cls_token", "pos_embed", "patch_embed", "blocks.0"], ["blocks.5"], ["cls_token", "pos_embed", "patch_embed"]),
    "bert_base": (lambda: transformers.Bert(dropout=0.0), ["model.dropout=0"], (2, 64), ["bert.embeddings", "bert.encoder.layer.0"], ["bert.encoder.layer.5"], ["bert.embeddings"]),
}


def cases(prefix, middle, growing):
    yield "sgd", SGD, []
    yield "adamw", ADAMW, []
    yield "prefix", SGD, [(0, prefix)]
    yield "middle", ADAMW, [(0, middle)]
    yield "growing", SGD, [(1, growing)]


class Patched:
    """Stands in for ReLU, ReLU6 and max pooling while it is entered."""

    def __enter__(self):
        self.kept = (F.relu, F.hardtanh, F.max_pool2d)
        F.relu, F.hardtanh, F.max_pool2d = self.relu, self.six, self.pool
        return self

    def __exit__(self, *_):
        F.relu, F.hardtanh, F.max_pool2d = self.kept


class Recorded(Patched):
    """Keeps what these functions are given."""

    def __init__(self):
        self.inputs = []

    def keep(self, x):
        self.inputs.append(x.detach().clone())

    def relu(self, x, inplace=False):
        self.keep(x)
        return self.kept[0](x)

    def six(self, x, low, high, inplace=False):
        self.keep(x)
        return self.kept[1](x, low, high)

    def pool(self, x, *more, **named):
        self.keep(x)
        return self.kept[2](x, *more, **named)


class Toggled(Patched):
    """Opens all ReLUs that rounding could open, or shuts them; and moves the values of windows as far, one up and the next one down."""

    def __init__(self, sign, margins):
        self.sign, self.margins = sign, iter(margins)

    def edge(self):
        return self.sign * next(self.margins)

    def relu(self, x, inplace=False):
        return torch.where(x > self.edge(), x, torch.zeros_like(x))

    def six(self, x, low, high, inplace=False):
        edge = self.edge()
        x = torch.where(x > low + edge, x, torch.full_like(x, low))
        return torch.where(x < high + edge, x, torch.full_like(x, high))

    def pool(self, x, *more, **named):
        board = (torch.arange(x.shape[-1]) + torch.arange(x.shape[-2])[:, None]) % 2 * 2 - 1
        return self.kept[2](x + self.edge() / 2 * board, *more, **named)


def margin(exact, single):
    """What rounding may move an input of that layer and channel: twice what it moves PyTorch's."""
    error = (exact - single).abs()
    return 2 * (error.amax((0, 2, 3), keepdim=True) if error.dim() == 4 else error.max())


def length(values):
    return float(np.linalg.norm(values.reshape(-1)))


def compare(ours, exact, single, undecided, title):
    """The largest ratio of our error to PyTorch's, by kind, and where it is."""
    worst = {}
    for key, value in exact.items():
        kind, size = key.split(".")[0], length(value)
        if key.endswith("num_batches_tracked"):
            assert value == ours[key], f"{title}: {key} is {ours[key]}, expected {value}"
            continue
        theirs = max(length(single[key] - value), ROUNDING * size)
        error = max(0, length(ours[key] - value) - undecided.get(key, 0))
        worst[kind] = max(worst.get(kind, (0, "")), (error / theirs if theirs else float(error > 0) * np.inf, key))
    return worst


def main(command, wanted):
    golden_steps.STEPS = STEPS
    failed = False
    for name, (make, options, shape, prefix, middle, growing) in NETWORKS.items():
        for title, optimizer, moments in cases(prefix, middle, growing):
            if not (wanted & {name} or not wanted & NETWORKS.keys()) or not (wanted & {title} or not wanted - NETWORKS.keys()):
                continue
            torch_options = {"name" if k == "optimizer" else k: v for k, v in optimizer.items()}
            inputs = [formulas.images(shape, 1)] if len(shape) == 4 else list(formulas.text(*shape, 30522, 1))
            target = formulas.targets(shape[0], 2 if name == "bert_base" else CLASSES)
            def steps(kind, patched):
                with patched:
                    return {k: v for k, v in golden_steps.run(make, inputs, target, torch_options, moments, 1, kind).items() if not k.startswith("least.")}

            recorded = [Recorded(), Recorded()]
            exact, single = steps(torch.float64, recorded[0]), steps(torch.float32, recorded[1])
            margins = [margin(*pair) for pair in zip(recorded[0].inputs, recorded[1].inputs)]
            del recorded
            undecided = {}
            if margins:
                opened = steps(torch.float64, Toggled(-1, margins))
                undecided = {key: length(opened.pop(key) - value) for key, value in steps(torch.float64, Toggled(1, margins)).items()}
            model = make()
            formulas.fill(model, 1)
            weights = model.state_dict()
            with tempfile.TemporaryDirectory() as folder:
                paths = [os.path.join(folder, f) for f in ("weights.safetensors", "input.safetensors", "output.safetensors")]
                write(paths[0], weights)
                names = ["input"] if len(shape) == 4 else ["input_ids", "token_type_ids", "attention_mask"]
                write(paths[1], {**dict(zip(names, inputs)), "target": target})
                subprocess.run(
                    [*command, "step", "--model", name, *(part for o in options for part in ("--set", o)), "--weights", paths[0], "--input", paths[1],
                     "--output", paths[2], "--steps", str(STEPS), *arguments(optimizer, moments)],
                    check=True, stdout=subprocess.DEVNULL)
                ours, _ = read(paths[2])
            if ours.keys() != exact.keys():
                raise SystemExit(f"{name} {title}: only one side has {sorted(ours.keys() ^ exact.keys())}")
            for key, value in weights.items():
                if any(at == 0 and any(matches(key, n) for n in names) for at, names in moments):
                    assert ours[f"state.{key}"].tobytes() == value.numpy().tobytes(), f"{name} {title}: {key} is frozen and has changed"
            worst = compare(ours, exact, single, undecided, f"{name} {title}")
            failed |= any(ratio > FACTOR for ratio, _ in worst.values())
            shares = [undecided[k] / size for k in exact if k in undecided and k.startswith("grad.") and (size := length(exact[k]))]
            print(f"{name:13} {title:8}" + "".join(f" {kind} {ratio:.2f}" for kind, (ratio, _) in worst.items()),
                  "".join(f" ({key})" for ratio, key in worst.values() if ratio > FACTOR),
                  f"; undecided of a gradient {np.median(shares):.0e}" if shares else "", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    sys.exit(main(sys.argv[1:split], set(sys.argv[split + 1:])))
