#!/usr/bin/python3
"""Writes what tests/Freeze.Tests/Parity expects of training steps: small forms of every network, from weights and batches made by
formulas (formulas.py), under SGD and AdamW, unfrozen, with a frozen prefix, with a frozen unit in the middle, and with a growing prefix.

Of each tensor the file holds the largest number, the error of PyTorch's own single precision against double precision as a share of it,
and some elements in double precision; under AdamW also how small the gradients of these elements become. Steps of single and double precision go different ways from where a ReLU opens or a maximum changes
by rounding alone; such a draw compares nothing and is passed over, by what double precision says.

Needs PyTorch, torchvision and NumPy, as in Debian's python3-torchvision. Run as: golden_steps.py DIRECTORY [MODEL ...]
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models import resnet, vgg

import formulas
import transformers
from models import Subsample
from parity import freeze_names
from train_reference import CifarResNet, projection

STEPS, CLASSES, SAMPLES, MOST_DRAWS = 3, 5, 6, 60
# Ten times what rounding moves the input of a ReLU, or two values of a window, as a share of the layer's spread.
MARGIN = 4e-6


class Resnet(resnet.ResNet):
    """torchvision's, with another width."""

    def __init__(self, block, layers, width):
        super().__init__(block, [1, 1, 1, 1])
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        for i, count in enumerate(layers):
            setattr(self, f"layer{i + 1}", self._make_layer(block, width << i, count, 1 if i == 0 else 2))
        self.fc = torch.nn.Linear((width << 3) * block.expansion, CLASSES)


def small_vgg(divisor, hidden, norm):
    model = vgg.VGG(vgg.make_layers([w if w == "M" else w // divisor for w in vgg.cfgs["A"]], norm), CLASSES, False)
    width = 512 // divisor
    if hidden == 0:
        model.avgpool, model.classifier = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(width, CLASSES)
    else:
        model.classifier[0], model.classifier[3] = torch.nn.Linear(width * 49, hidden), torch.nn.Linear(hidden, hidden)
        model.classifier[2], model.classifier[5] = torch.nn.Dropout(0.0), torch.nn.Dropout(0.0)
        model.classifier[6] = torch.nn.Linear(hidden, CLASSES)
    return model


def mobilenet():
    return torchvision.models.MobileNetV2(CLASSES, width_mult=0.25, inverted_residual_setting=SETTING, dropout=0.0)


SETTING = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 2, 2], [6, 64, 1, 1]]
BERT = dict(vocab_size=59, max_position=16, hidden=24, layers=3, heads=3, intermediate=40)

# Name -> (the network in PyTorch, its options here, shape of the batch: an image's or a text's length, frozen prefix, frozen middle, what
# freezes before the second and third steps).
NETWORKS = {
    "resnet8": (lambda: CifarResNet(3, 1, projection, 4, CLASSES), dict(width=4, shortcut="b"), (4, 3, 16, 16),
                ["conv1", "bn1", "layer1"], ["layer2.0"], [["conv1", "bn1"], ["layer1"]]),
    "resnet20": (lambda: CifarResNet(3, 3, Subsample, 4, CLASSES), dict(width=4), (4, 3, 16, 16),
                 ["conv1", "bn1", "layer1"], ["layer2.1"], [["conv1", "bn1", "layer1.0"], ["layer1", "layer2.0"]]),
    "resnet56": (lambda: CifarResNet(3, 9, Subsample, 4, CLASSES), dict(width=4), (2, 3, 8, 8),
                 ["conv1", "bn1", "layer1"], ["layer2.4"], [["conv1", "bn1", "layer1.0"], ["layer1", "layer2.0"]]),
    "resnet18": (lambda: Resnet(resnet.BasicBlock, [2, 2, 2, 2], 4), dict(width=4), (4, 3, 64, 64),
                 ["conv1", "bn1", "layer1"], ["layer2.1"], [["conv1", "bn1"], ["layer1", "layer2.0"]]),
    "resnet50": (lambda: Resnet(resnet.Bottleneck, [3, 4, 6, 3], 4), dict(width=4), (4, 3, 64, 64),
                 ["conv1", "bn1", "layer1"], ["layer3.2"], [["conv1", "bn1", "layer1.0"], ["layer1", "layer2"]]),
    "vgg11": (lambda: small_vgg(16, 12, False), dict(width_divisor=16, hidden=12, dropout=0), (2, 3, 32, 32),
              ["features.0", "features.3"], ["features.8"], [["features.0"], ["features.3", "features.6"]]),
    "vgg11_bn": (lambda: small_vgg(16, 0, True), dict(width_divisor=16, hidden=0), (4, 3, 32, 32),
                 ["features.0", "features.1"], ["features.8", "features.9"], [["features.0", "features.1"], ["features.4", "features.5"]]),
    "mobilenet_v2": (mobilenet, dict(width_mult=0.25, setting=SETTING, dropout=0), (4, 3, 32, 32),
                     ["features.0", "features.1"], ["features.4"], [["features.0"], ["features.1", "features.2"]]),
    "deit_tiny": (lambda: transformers.Deit(CLASSES, 16, 4, 24, 3, 3), dict(img_size=16, patch_size=4, dim=24, depth=3, heads=3), (2, 3, 16, 16),
                  ["cls_token", "pos_embed", "patch_embed", "blocks.0"], ["blocks.1"], [["cls_token", "pos_embed", "patch_embed"], ["blocks.0", "blocks.1"]]),
    "bert_base": (lambda: transformers.Bert(**BERT, num_labels=CLASSES, dropout=0.0), dict(**BERT, dropout=0), (3, 9),
                  ["bert.embeddings", "bert.encoder.layer.0"], ["bert.encoder.layer.1"], [["bert.embeddings"], ["bert.encoder.layer.0"]]),
}

SGD, ADAMW = dict(lr=0.002, momentum=0.9, weight_decay=5e-4), dict(name="adamw", lr=1e-3, weight_decay=0.01)


def cases(prefix, middle, growing):
    """Name, optimizer, what freezes when."""
    yield "sgd", SGD, []
    yield "adamw", ADAMW, []
    yield "prefix", SGD, [[0, prefix]]
    yield "middle", ADAMW, [[0, middle]]
    yield "growing", SGD, [[i + 1, names] for i, names in enumerate(growing)]


class Kinks:
    """Stands in for ReLU, ReLU6 and max pooling, to learn how near they come to going another way."""

    def __init__(self):
        self.nearest, self.kept = np.inf, (F.relu, F.hardtanh, F.max_pool2d)

    def see(self, distance, spread):
        self.nearest = min(self.nearest, (distance.abs().min() / spread.detach().std()).item())

    def relu(self, x, inplace=False):
        self.see(x.detach(), x)
        return self.kept[0](x)

    def six(self, x, low, high, inplace=False):
        self.see(x.detach() - low, x)
        self.see(x.detach() - high, x)
        return self.kept[1](x, low, high)

    def pool(self, x, kernel, stride, padding, dilation, *more, **named):
        rows = F.unfold(x.detach().flatten(0, 1)[:, None], kernel, dilation, padding, stride)
        best = rows.topk(2, 1).values
        # Zeros of a ReLU may change places: neither passes a gradient on.
        gaps = (best[:, 0] - best[:, 1])[best[:, 0] > 0]
        if gaps.numel():
            self.see(gaps, x)
        return self.kept[2](x, kernel, stride, padding, dilation, *more, **named)

    def __enter__(self):
        F.relu, F.hardtanh, F.max_pool2d = self.relu, self.six, self.pool
        return self

    def __exit__(self, *_):
        F.relu, F.hardtanh, F.max_pool2d = self.kept


def batch(shape, draw):
    if len(shape) == 4:
        return [formulas.images(shape, draw)]
    return list(formulas.text(*shape, BERT["vocab_size"], draw))


def run(make, inputs, target, optimizer, moments, draw, dtype):
    """Logits, losses, gradients of the first step, and the state after the last, by name."""
    model = make()
    formulas.fill(model, draw)
    model = model.to(dtype).train()
    inputs = [x.to(dtype) if x.is_floating_point() else x for x in inputs]
    options = {k: v for k, v in optimizer.items() if k != "name"}
    stepper = (torch.optim.AdamW if "name" in optimizer else torch.optim.SGD)(model.parameters(), **options)
    result, losses, least = {}, [], {}
    for step in range(STEPS):
        for at, names in moments:
            if at == step:
                freeze_names(model, names)
        stepper.zero_grad(set_to_none=True)
        logits = model(*inputs)
        loss = F.cross_entropy(logits, target)
        losses.append(loss.item())
        loss.backward()
        if step == 0:
            result["logits"] = logits.detach().double().numpy().copy()
            result.update({f"grad.{n}": p.grad.double().numpy().copy() for n, p in model.named_parameters() if p.grad is not None})
        for n, p in model.named_parameters():
            if p.grad is not None and "name" in optimizer:
                size = p.grad.abs().double().numpy()
                least[f"least.{n}"] = np.minimum(least.get(f"least.{n}", size), size)
        stepper.step()
    result["losses"] = np.array(losses)
    result.update(least)
    result.update({f"state.{n}": t.double().numpy().copy() for n, t in model.state_dict().items()})
    return result


def digest(exact, single):
    """What the file holds of a tensor."""
    exact, single = exact.reshape(-1), single.reshape(-1)
    largest = np.abs(exact).max()
    at = [int(b) % exact.size for b in formulas.bits(SAMPLES, "samples", exact.size)] if exact.size > SAMPLES else range(exact.size)
    error = np.abs(single - exact).max() / largest if largest else 0
    return [float(f"{largest:.3g}"), float(f"{error:.3g}"), *(float(f"{exact[i]:.10g}") for i in at)]


def main(folder, wanted):
    for name, (make, options, shape, prefix, middle, growing) in NETWORKS.items():
        if wanted and name not in wanted:
            continue
        document = dict(model=name, options=dict(num_classes=CLASSES, **options), shape=shape, steps=STEPS, samples=SAMPLES, cases=[])
        target = formulas.targets(shape[0], CLASSES)
        for title, optimizer, moments in cases(prefix, middle, growing):
            for draw in range(1, MOST_DRAWS + 1):
                with Kinks() as kinks:
                    exact = run(make, batch(shape, draw), target, optimizer, moments, draw, torch.float64)
                if kinks.nearest > MARGIN:
                    break
            else:
                raise SystemExit(f"{name}, {title}: none of {MOST_DRAWS} draws keeps clear of kinks")
            single = run(make, batch(shape, draw), target, optimizer, moments, draw, torch.float32)
            tensors = {key: digest(value, single[key]) for key, value in exact.items()}
            document["cases"].append(dict(name=title, draw=draw, optimizer=optimizer, freeze=[dict(step=at, names=names) for at, names in moments], tensors=tensors))
            worst = {kind: max((t[1] for k, t in tensors.items() if k.split(".")[0] == kind), default=0) for kind in ("logits", "losses", "grad", "state")}
            print(f"{name:13} {title:8} draw {draw:<2}", *(f"{k} {e:.1e}" for k, e in worst.items()), flush=True)
        lines = ",\n".join(
            json.dumps({k: v for k, v in case.items() if k != "tensors"})[:-1] + ', "tensors": {\n'
            + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in case["tensors"].items()) + "}}"
            for case in document.pop("cases"))
        with open(os.path.join(folder, name + ".json"), "w") as file:
            file.write(json.dumps(document)[:-1] + ', "cases": [\n' + lines + "]}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2:])
