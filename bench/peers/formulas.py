"""Weights and batches made by formulas, the same in tests/Freeze.Tests/Parity/Formulas.cs: nothing has to be stored."""

import numpy as np
import torch


def stream_of(name):
    """FNV-1a, 32 bit."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def bits(count, name, draw):
    """A hash of the position (lowbias32 of Wellons' hash-prospector), begun at a place that belongs to the name and the draw."""
    x = (np.arange(count, dtype=np.uint64) + stream_of(f"{name}#{draw}") & 0xFFFFFFFF).astype(np.uint32)
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def numbers(count, name, draw):
    """Numbers in [-1, 1) of 24 bits."""
    return (bits(count, name, draw) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def fill(model, draw):
    """Matrices and filters uniform with a variance of 2 / fan_in; factors and variances from 0.5 to 1.5, a quarter of it
    where a bottleneck ends; terms and means up to a quarter."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype == torch.int64:
                continue
            values = numbers(tensor.numel(), name, draw)
            if tensor.dim() > 1:
                values *= np.float32((6 / (tensor.numel() // tensor.shape[0])) ** 0.5)
            elif name.endswith(("weight", "running_var")):
                # Sixteen bottlenecks at full strength would blow the numbers up.
                values = (1 + values / 2) * np.float32(0.25 if name.endswith("bn3.weight") else 1)
            else:
                values /= 4
            tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))


def images(shape, draw):
    """Uniform with variance 1."""
    values = numbers(int(np.prod(shape)), "input", draw) * np.float32(3**0.5)
    return torch.from_numpy(values.reshape(shape))


def text(count, length, vocabulary, draw):
    """Tokens, sentences and mask: text i has the length less i tokens (half at least), in two sentences; the rest is padding, token 0."""
    ids = torch.from_numpy((bits(count * length, "input_ids", draw) % np.uint32(vocabulary - 1)).astype(np.int64) + 1).reshape(count, length)
    place = torch.arange(length).expand(count, length)
    lengths = torch.tensor([max(length - i, (length + 1) // 2) for i in range(count)])[:, None]
    mask = (place < lengths).long()
    return ids * mask, ((place >= lengths // 2) & (place < lengths)).long(), mask


def targets(count, classes):
    return torch.arange(count) % classes
