#!/usr/bin/python3
"""Writes the small files of torch.save that tests/Nn.Tests/Weights/PyTorchFileTests.cs reads: every element type, views of storages, the
forms and protocols, a checkpoint with what training scripts put beside the weights, and a pickled module, which must be refused.

Usage: torch_files.py [DIRECTORY]   (default: tests/Nn.Tests/Weights/Golden)
Needs PyTorch and NumPy, as in Debian's python3-torch. Storages of the older form are named by addresses, so its bytes differ from run to run.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch


def tensors():
    weight = torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 8 - 1
    table = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return OrderedDict(
        weight=weight,
        f64=torch.tensor([np.pi, 1e300], dtype=torch.float64),
        f16=torch.tensor([1.5, -0.25, float("inf")], dtype=torch.float16),
        bf16=torch.tensor([1.0, -3.140625], dtype=torch.bfloat16),
        i64=torch.tensor([2**40, -1]),
        i32=torch.tensor([[-7], [9]], dtype=torch.int32),
        u8=torch.tensor([0, 128, 255], dtype=torch.uint8),
        bool=torch.tensor([True, False, True]),
        scalar=torch.tensor(7),
        empty=torch.zeros(0, 5),
        tied=weight,
        row=table[2],
        transposed=table.t(),
        strided=table[1:, 1::2],
        expanded=torch.tensor([1.0, 2.0]).expand(3, 2),
        parameter=torch.nn.Parameter(torch.tensor([0.5])),
    )


def checkpoint():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    for i, value in enumerate(model.state_dict().values()):
        value.copy_(torch.arange(value.numel()).reshape(value.shape) + 10 * i)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    for i, value in enumerate(model.state_dict().values()):
        value.copy_(torch.arange(value.numel()).reshape(value.shape) + 10 * i)
    state = torch.nn.DataParallel(model).state_dict()
    return {
        "epoch": 3, "arch": "small", "best_acc1": torch.tensor(0.5), "loss": np.float64(0.25), "size": torch.Size([2, 3]), "seen": {1, 2},
        "type": torch.float32, "device": torch.device("cpu"), "big": 2**70, "nothing": None, "raw": b"\x00\xff", "optimizer": optimizer.state_dict(),
        "state_dict": state,
    }


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/Nn.Tests/Weights/Golden"
    folder.mkdir(parents=True, exist_ok=True)
    for protocol in (2, 4, 5):
        torch.save(tensors(), folder / f"zip-{protocol}.pth", pickle_protocol=protocol)
        torch.save(tensors(), folder / f"legacy-{protocol}.th", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    torch.save(checkpoint(), folder / "checkpoint.pth")
    torch.save(checkpoint(), folder / "checkpoint.th", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 1), folder / "module.pth")


if __name__ == "__main__":
    main()
