#!/usr/bin/python3
"""Trains a small BERT from scratch on CoLA and MRPC here and in PyTorch, from the same initial weights and by the same recipe, and holds
the curves of the training loss against each other; then the freezing policies on the same network. Writes all figures as JSON.

Recipe: two blocks of 128 numbers and two heads, dropout 0.1; batches of 32, 32 of them at a time put in order of length; AdamW, the
learning rate rises over the first epoch and falls along a straight line to 0; global norm of the gradients at most 1. The order of the
texts and the dropout differ from seed to seed, on both sides by generators of their own.

A curve is the mean training loss of each epoch. Two sides agree at an epoch when the 95 % interval of the difference of their means
(Welch) holds 0; with ten epochs and two tasks one of twenty may fall out by chance, so the JSON has all of them.

No text leaves this program. Needs PyTorch, as in Debian's python3-torch, and a folder with bert/vocab.txt and the
files of cola and mrpc. Run as: text_training.py [--task T] [--out FILE] DATA COMMAND..., for example
text_training.py DATA dotnet path/to/SmartFrz.Cli.dll
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import environment  # before PyTorch
import numpy as np
import torch
import torch.nn.functional as F

import transformers
import wordpiece
from parity import write
from statistics_of_runs import agreement, summary

HASHES = Path(__file__).resolve().parents[2] / "tests/Nn.Tests/Data/Text/bert-ids.json"
SIZES = dict(hidden=128, layers=2, heads=2, intermediate=512, max_position=128)
BATCH, BUCKET, DECAY, CLIP, INITIAL = 32, 32, 0.01, 1.0, 1000
# Task -> epochs, learning rate, the figure besides accuracy.
RECIPES = {"cola": (10, 5e-4, "mcc"), "mrpc": (10, 5e-4, "f1")}
POLICIES = "none,linear,smartfrz"


def fresh():
    """BERT's initial weights: matrices and tables normal with deviation 0.02, padding and biases zero."""
    torch.manual_seed(INITIAL)
    model = transformers.Bert(**SIZES)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.02)
            elif name.endswith("bias"):
                parameter.zero_()
        model.bert.embeddings.word_embeddings.weight[0].zero_()
    return model


def padded(examples):
    longest = max(len(ids) for ids, _, _ in examples)

    def rows(of):
        return torch.tensor([[*of(e), *[0] * (longest - len(e[0]))] for e in examples])

    return rows(lambda e: e[0]), rows(lambda e: e[1]), rows(lambda e: [1] * len(e[0])), torch.tensor([label for _, _, label in examples])


def batches(examples, generator):
    """The examples in an order of chance, some batches at a time put in order of length, the batches in an order of chance."""
    order = generator.permutation(len(examples))[: len(examples) // BATCH * BATCH]
    for at in range(0, len(order), BATCH * BUCKET):
        part = order[at : at + BATCH * BUCKET]
        order[at : at + BATCH * BUCKET] = sorted(part, key=lambda i: -len(examples[i][0]))
    cut = order.reshape(-1, BATCH)
    for indices in cut[generator.permutation(len(cut))]:
        yield padded([examples[i] for i in indices])


def scores(model, examples, figure):
    model.eval()
    ordered = sorted(examples, key=lambda e: len(e[0]))
    tp = tn = fp = fn = 0
    with torch.no_grad():
        for at in range(0, len(ordered), 256):
            *inputs, target = padded(ordered[at : at + 256])
            said = model(*inputs).argmax(1)
            tp += ((said == 1) & (target == 1)).sum().item()
            tn += ((said == 0) & (target == 0)).sum().item()
            fp += ((said == 1) & (target == 0)).sum().item()
            fn += ((said == 0) & (target == 1)).sum().item()
    model.train()
    root = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
    value = (tp * tn - fp * fn) / root if figure == "mcc" and root else 2 * tp / max(1, 2 * tp + fp + fn) if figure == "f1" else 0.0
    return {"accuracy": (tp + tn) / len(examples), figure: value}


def theirs(task, training, test, seed):
    epochs, rate, figure = RECIPES[task]
    model = fresh().train()
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    warm = len(training) // BATCH
    total, step, curve = epochs * warm, 0, []
    for _ in range(epochs):
        losses = []
        for *inputs, target in batches(training, generator):
            optimizer.param_groups[0]["lr"] = rate * ((step + 1) / warm if step < warm else 1 - (step - warm) / (total - warm))
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(*inputs), target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        curve.append(float(np.mean(losses)))
    return dict(seed=seed, train_loss=curve, train=scores(model, training, figure), dev=scores(model, test, figure))


class Ours:
    """The command line of this project."""

    def __init__(self, command, task, data, count):
        self.command, self.task, self.figure = command, task, RECIPES[task][2]
        epochs, rate, _ = RECIPES[task]
        self.model = ["--model", "bert_base", "--data", task, "--data-dir", str(data / task), "--threads", "1",
                      *(part for key, value in SIZES.items() for part in ("--set", f"model.{key}={value}"))]
        self.recipe = ["--epochs", str(epochs), "--batch", str(BATCH), "--optimizer", "adamw", "--lr", str(rate), "--weight-decay", str(DECAY),
                       "--clip-norm", str(CLIP), "--schedule", "linear", "--set", f"schedule.warmup_steps={count // BATCH}",
                       "--set", f"data.bucket={BUCKET}"]

    def run(self, *arguments):
        return json.loads(subprocess.run([*self.command, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)

    def train(self, weights, seed, folder):
        out = Path(folder) / f"{self.task}-{seed}"
        self.run("train", *self.model, *self.recipe, "--policy", "none", "--weights", weights, "--seed", str(seed), "--out", str(out), "--json", "--quiet")
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        last = str(out / "checkpoints/last.safetensors")

        def scored(split):
            result = self.run("eval", *self.model, "--weights", last, "--split", split, "--json")
            return {"accuracy": result["test_accuracy"], self.figure: result[self.figure]}

        return dict(seed=seed, train_loss=[line["train_loss"] for line in lines if line["kind"] == "epoch"], train=scored("train"), dev=scored("test"))

    def policies(self, seeds, folder):
        """A row for each policy: means over the seeds, and FLOPs beside those of no freezing on the same seed."""
        out = Path(folder) / f"{self.task}-policies"
        runs = self.run("compare", *self.model, *self.recipe, "--policies", POLICIES, "--seeds", ",".join(map(str, seeds)), "--out", str(out), "--json", "--quiet")["runs"]
        full = {run["seed"]: run["flops"]["total"] for run in runs if run["policy"] == "none"}
        rows = []
        for policy in POLICIES.split(","):
            own = [run for run in runs if run["policy"] == policy]
            rows.append(dict(
                policy=policy, seeds=[run["seed"] for run in own], train_loss=summary([run["train_loss"] for run in own]),
                dev_accuracy=summary([run["test_accuracy"] for run in own]), **{f"dev_{self.figure}": summary([run[self.figure] for run in own])},
                flops=summary([run["flops"]["total"] / full[run["seed"]] for run in own]), frozen=[[f"{f['layer']} @ {f['step']}" for f in run["frozen"]] for run in own]))
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=sorted(RECIPES), action="append", help="default: all")
    parser.add_argument("--seeds", type=lambda s: [int(v) for v in s.split(",")], default=[11, 12, 13, 14, 15])
    parser.add_argument("--policy-seeds", type=lambda s: [int(v) for v in s.split(",")], default=[1, 2, 3])
    parser.add_argument("--out", type=Path, help="the file of the figures; default: standard output alone")
    parser.add_argument("data", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    torch.set_num_threads(1)
    hashes = json.loads(HASHES.read_text())["corpora"]
    document = dict(recipe=dict(**SIZES, dropout=0.1, batch=BATCH, bucket=BUCKET, weight_decay=DECAY, clip_norm=CLIP, warm_up="one epoch", threads=1), tasks={})
    with tempfile.TemporaryDirectory() as folder:
        for task in options.task or RECIPES:
            training, test = wordpiece.read(task, options.data, hashes)
            ours = Ours(options.command, task, options.data, len(training))
            weights = str(Path(folder) / "weights.safetensors")
            write(weights, fresh().state_dict())
            result = {"epochs": RECIPES[task][0], "learning_rate": RECIPES[task][1], "smartfrz": [], "pytorch": []}
            for seed in options.seeds:
                for side, run in (("smartfrz", ours.train(weights, seed, folder)), ("pytorch", theirs(task, training, test, seed))):
                    result[side].append(run)
                    print(task, side, seed, f"train loss {run['train_loss'][-1]:.4f}", run["train"], run["dev"], file=sys.stderr, flush=True)
            result["curves"] = agreement([run["train_loss"] for run in result["smartfrz"]], [run["train_loss"] for run in result["pytorch"]])
            result["policies"] = ours.policies(options.policy_seeds, folder)
            document["tasks"][task] = result
            for row in result["policies"]:
                print(task, row["policy"], row["dev_accuracy"]["mean"], row["flops"]["mean"], file=sys.stderr, flush=True)
            if options.out:
                options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document))


if __name__ == "__main__":
    main()
