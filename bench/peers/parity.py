#!/usr/bin/python3
"""Holds `smartfrz step` against PyTorch: the same weights, batch and options, then logits, losses, gradients and the whole state.

PyTorch computes in double precision, so what differs is our single precision. For each case the largest difference of each kind is
printed, as a share of the largest value of the tensor it is found in; the exit code is 1 if one exceeds its limit.

A ReLU whose input is zero but for rounding is open on one side and shut on the other, and from there both go their own ways, as
PyTorch's single and double precision do. Such a draw compares nothing: it is thrown away by what PyTorch alone computes.

Give the command as it is run here, for example: parity.py smartfrz, or parity.py dotnet path/to/SmartFrz.Cli.dll
Needs PyTorch, torchvision and NumPy, as in Debian's python3-torchvision.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the imports below would leave a __pycache__ here

import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F

from model_logits import cifar, torchvision
from models import Subsample
from train_reference import CifarResNet, build

# Single precision (6e-8) through twenty layers. AdamW divides a gradient by its own size, a small one's relative error too.
LIMITS = {"logits": 1e-5, "losses": 1e-6, "grad": 1e-4, "state": 2e-5}
ADAMW_STATE = 1e-3
# Ten times what rounding moves the input of a ReLU, as a share of the layer's spread.
MARGIN = 2e-6
MOST_DRAWS = 100
SHAPES = {
    "resnet20": (3, 16, 16), "resnet8": (1, 28, 28), "cnn": (1, 28, 28),
    "resnet18": (3, 16, 16),
}
BATCH = 4
TEN = ["--set", "model.num_classes=10", "--set", "model.stem=cifar"]
OURS = {
    "resnet20": [], "resnet8": ["--set", "model.shortcut=B"], "cnn": [],
    "resnet18": TEN,
}

# Name, model, options of both sides, and what freezes when: (step, names).
CASES = [
    ("plain sgd", "cnn", dict(lr=0.1), []),
    ("a frozen prefix", "cnn", dict(lr=0.05, momentum=0.9), [(0, ["conv1"]), (2, ["conv2", "fc1.bias"])]),
    ("sgd, momentum, decay", "resnet8", dict(lr=0.05, momentum=0.9, weight_decay=5e-4), []),
    ("sgd, Nesterov, smoothing, clipping", "resnet20", dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, smoothing=0.1, clip=0.5), []),
    ("adamw", "resnet8", dict(optimizer="adamw", lr=1e-3, weight_decay=0.01), []),
    ("a frozen prefix", "resnet20", dict(lr=0.01, momentum=0.9), [(0, ["conv1", "bn1", "layer1"])]),
    ("a frozen middle, a frozen norm", "resnet20", dict(lr=0.01, momentum=0.9), [(0, ["layer2.1", "bn1"])]),
    ("sgd, momentum, decay", "resnet18", dict(lr=0.01, momentum=0.9, weight_decay=5e-4), []),
    ("frozen on the way, the head too", "resnet8", dict(lr=0.05, momentum=0.9, weight_decay=5e-4), [(1, ["conv1"]), (2, ["layer2", "linear.bias"]), (9, ["layer3"])]),
]
STEPS = 4


def network(name):
    if name == "resnet20":
        return CifarResNet(3, 3, Subsample)
    if name not in torchvision.models.__dict__:
        return build(name)
    return cifar(torchvision.models.__dict__[name](num_classes=10))


def write(path, tensors):
    names = {torch.float32: "F32", torch.int64: "I64"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__")
    types = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def matches(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def freeze_names(model, names):
    for name, parameter in model.named_parameters():
        if any(matches(name, p) for p in names):
            parameter.requires_grad_(False)
            parameter.grad = None
    for name, module in model.named_modules():
        own = list(module.parameters())
        if any(matches(name, p) for p in names) or (own and not any(p.requires_grad for p in own)):
            module.eval()


class Relu:
    """Stands in for ReLU and ReLU6 of the models, to learn how near to zero and six their inputs come."""

    def __init__(self):
        self.nearest, self.relu, self.hardtanh = np.inf, F.relu, F.hardtanh

    def see(self, x, *kinks):
        for kink in kinks:
            self.nearest = min(self.nearest, ((x.detach() - kink).abs().min() / x.detach().std()).item())

    def __call__(self, x, inplace=False):
        self.see(x, 0)
        return self.relu(x)

    def six(self, x, low, high, inplace=False):
        self.see(x, low, high)
        return self.hardtanh(x, low, high)

    def __enter__(self):
        F.relu, F.hardtanh = self, self.six
        return self

    def __exit__(self, *_):
        F.relu, F.hardtanh = self.relu, self.hardtanh


def draw(name, options, moments):
    """The first draw of weights, batch and what PyTorch makes of them that can be compared, and its seed."""
    for seed in range(1, MOST_DRAWS + 1):
        torch.manual_seed(seed)
        model = network(name)
        x, y = torch.randn(BATCH, *SHAPES[name]), torch.randint(10, (BATCH,))
        weights = {n: t.clone() for n, t in model.state_dict().items()}
        with Relu() as relu:
            theirs = reference(model, x, y, options, moments)
        if relu.nearest > MARGIN:
            return seed, weights, x, y, theirs
    raise SystemExit(f"{name}: none of {MOST_DRAWS} draws keeps the inputs of all ReLUs {MARGIN} away from zero")


def reference(model, x, y, options, moments):
    """The same steps in PyTorch: what smartfrz should write."""
    model = model.double().train()
    if options.get("optimizer") == "adamw":
        optimizer = torch.optim.AdamW(model.parameters(), lr=options["lr"], weight_decay=options["weight_decay"])
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), lr=options["lr"], momentum=options.get("momentum", 0), weight_decay=options.get("weight_decay", 0), nesterov=options.get("nesterov", False))
    result, losses = {}, []
    for step in range(STEPS):
        for at, names in moments:
            if at == step:
                freeze_names(model, names)
        optimizer.zero_grad(set_to_none=True)
        logits = model(x.double())
        loss = F.cross_entropy(logits, y, label_smoothing=options.get("smoothing", 0))
        losses.append(loss.item())
        loss.backward()
        if step == 0:
            result["logits"] = logits.detach().numpy().copy()
            result.update({f"grad.{n}": p.grad.numpy().copy() for n, p in model.named_parameters() if p.grad is not None})
        if "clip" in options:
            torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], options["clip"])
        optimizer.step()
    result["losses"] = np.array(losses)
    result.update({f"state.{n}": t.numpy().copy() for n, t in model.state_dict().items()})
    return result


def arguments(options, moments):
    flags = {"optimizer": "--optimizer", "lr": "--lr", "momentum": "--momentum", "weight_decay": "--weight-decay", "smoothing": "--label-smoothing", "clip": "--clip-norm"}
    text = [part for key, flag in flags.items() if key in options for part in (flag, str(options[key]))]
    text += ["--nesterov"] if options.get("nesterov") else []
    for at, names in moments:
        text += ["--freeze", ",".join(names)] if at == 0 else ["--freeze-at", f"{at}:{','.join(names)}"]
    return text


def main(command):
    worst = 0
    for title, name, options, moments in CASES:
        seed, weights, x, y, theirs = draw(name, options, moments)
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, f) for f in ("weights.safetensors", "input.safetensors", "output.safetensors")]
            write(paths[0], weights)
            write(paths[1], {"input": x, "target": y})
            subprocess.run(
                [*command, "step", "--model", name, *OURS[name], "--weights", paths[0], "--input", paths[1], "--output", paths[2],
                 "--steps", str(STEPS), *arguments(options, moments)],
                check=True, stdout=subprocess.DEVNULL)
            ours, _ = read(paths[2])
        if ours.keys() != theirs.keys():
            raise SystemExit(f"{title}: only one side has {sorted(ours.keys() ^ theirs.keys())}")
        errors = dict.fromkeys(LIMITS, 0.0)
        for key, value in theirs.items():
            kind = key.split(".")[0]
            if value.dtype == np.int64:
                assert (value == ours[key]).all(), f"{title}: {key} is {ours[key]}, expected {value}"
                continue
            scale = max(np.abs(value).max(), 1e-12)
            errors[kind] = max(errors[kind], np.abs(ours[key] - value).max() / scale)
        limits = {**LIMITS, "state": ADAMW_STATE} if options.get("optimizer") == "adamw" else LIMITS
        worst = max(worst, *(errors[k] / limits[k] for k in limits))
        print(f"{title:36} {name:9} draw {seed:<2}" + "".join(f" {k} {e:.1e}" for k, e in errors.items()))
    return 0 if worst <= 1 else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1:]))
