#!/usr/bin/python3
"""Measures the time of one training step in PyTorch: forward, cross-entropy, backward, SGD with momentum.

Prints JSON: for each frozen share the median and the least wall milliseconds of a step, and the same of the processor time of all
threads. Frozen is a prefix of the model's units (stem, each block, head): --frozen 25 freezes round(0.25 * units), halves to even;
they take no gradients, are left out of the optimizer and normalise by their running statistics.

The models are those of models.py. The input is random and the same at every step. The shares take turns step by step, so that other jobs on the machine disturb them alike; they still
disturb. The load averages before and after are printed with the times: trust a run on an idle machine.

Needs PyTorch, as in Debian's python3-torch.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

sys.dont_write_bytecode = True  # the import below would leave a __pycache__ here

import environment
import torch
import torch.nn.functional as F

from models import MODELS
from train_reference import freeze


class Candidate:
    """A model with a frozen prefix, its optimizer and its times."""

    def __init__(self, name, share):
        torch.manual_seed(1)
        self.model = MODELS[name][0]()
        self.model.train()
        units = list(self.model.units().items())
        self.frozen = round(share / 100 * len(units))
        if not 0 <= self.frozen < len(units):
            raise SystemExit(f"--frozen {share:g}: nothing of {name}'s {len(units)} units would train")
        for _, modules in units[: self.frozen]:
            freeze(modules)
        self.share, self.units = share, [unit for unit, _ in units]
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trainable, lr=0.01, momentum=0.9)
        self.wall, self.cpu = [], []

    def step(self, x, y):
        wall, cpu = time.perf_counter(), time.process_time()
        self.optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()
        self.wall.append(1000 * (time.perf_counter() - wall))
        self.cpu.append(1000 * (time.process_time() - cpu))

    def report(self, warm_up):
        def summary(values):
            return {"median": round(statistics.median(values[warm_up:]), 3), "min": round(min(values[warm_up:]), 3)}

        return {
            "frozen_percent": self.share,
            "frozen_units": self.units[: self.frozen],
            "wall_ms": summary(self.wall),
            "cpu_ms": summary(self.cpu),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), default="resnet20")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frozen", type=lambda s: [float(v) for v in s.split(",")], default=[0, 25, 50, 75], metavar="PERCENT,...",
                        help="default 0,25,50,75")
    parser.add_argument("--steps", type=int, default=20, help="measured steps of each share (default 20)")
    parser.add_argument("--warm-up", type=int, default=3, help="steps of each share before them (default 3)")
    options = parser.parse_args()
    if options.steps < 1 or options.warm_up < 0:
        parser.error("--steps must be at least 1, --warm-up at least 0")
    torch.set_num_threads(options.threads)

    candidates = [Candidate(options.model, share) for share in options.frozen]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(options.batch, *MODELS[options.model][1], generator=generator)
    y = torch.randint(10, (options.batch,), generator=generator)
    load_before = os.getloadavg()[0]
    for _ in range(options.warm_up + options.steps):
        for candidate in candidates:
            candidate.step(x, y)

    print(json.dumps({
        "pytorch": torch.__version__,
        "python": platform.python_version(),
        "model": options.model,
        "parameters": sum(p.numel() for p in candidates[0].model.parameters()),
        "input": [options.batch, *MODELS[options.model][1]],
        "units": candidates[0].units,
        "threads": torch.get_num_threads(),
        **environment.SETTINGS,
        "steps": options.steps,
        "warm_up": options.warm_up,
        "load_average": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "results": [candidate.report(options.warm_up) for candidate in candidates],
    }, indent=2))


if __name__ == "__main__":
    main()
