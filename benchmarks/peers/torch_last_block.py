"""Epochs of a last block in PyTorch as an expert tunes it: images a second, on maps that were computed once.

    python benchmarks/peers/torch_last_block.py MAPS --precision bfloat16 [--compile] [--epochs 4]

The maps lie in memory, channels last, in the precision of the training (MAPS is from last_block_data.py). Autocast and
`torch.compile` if asked for, a fused optimizer, and no result read back from a step. Freed memory is kept, as PyTorch's
tuning guide advises. The first epoch is left out. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

BATCH, RATE = 32, 1e-4


def main() -> None:
    asked = _options()
    torch.manual_seed(0)
    for threshold in (-1, -3):  # of giving memory back to the system: glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
        ctypes.CDLL(None).mallopt(threshold, 1 << 30)
    model = last_block()
    with np.load(asked.maps / "weights.npz") as file:
        set_weights(model, [file[name] for name in file.files])
    rounded = asked.precision == "bfloat16"
    maps = torch.from_numpy(np.load(asked.maps / "maps.npy")).to(torch.bfloat16 if rounded else torch.float32)
    labels = torch.from_numpy(np.load(asked.maps / "labels.npy")).float()[:, 0]
    step, losses = _stepper(model.to(memory_format=torch.channels_last), rounded, asked.compile), []
    rates: dict[str, list[float]] = {"images_per_second": [], "images_per_core_second": []}
    for _ in range(asked.epochs):
        begun, cpu, sums = time.perf_counter(), time.process_time(), torch.zeros(2)
        order = torch.randperm(len(maps))[: len(maps) // BATCH * BATCH]
        for rows in order.split(BATCH):
            step(maps[rows].permute(0, 3, 1, 2), labels[rows], sums)
        losses.append(float(sums[0]) * BATCH / len(order))
        rates["images_per_second"].append(len(order) / (time.perf_counter() - begun))
        rates["images_per_core_second"].append(len(order) / (time.process_time() - cpu))
    print(json.dumps({name: each[1:] for name, each in rates.items()} | {"loss": losses}))


def last_block() -> nn.Sequential:
    """The last block of MobileNetV2 and a head; batch norm is frozen."""
    model = nn.Sequential(
        nn.Conv2d(960, 320, 1, bias=False),
        nn.BatchNorm2d(320, eps=1e-3),
        nn.Conv2d(320, 1280, 1, bias=False),
        nn.BatchNorm2d(1280, eps=1e-3),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1280, 1),
    )
    for layer in model:
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval().requires_grad_(False)
    return model


def set_weights(model: nn.Sequential, weights: list[np.ndarray]) -> None:
    """Set the weights, which are in Keras's order and layout."""
    first, norm, last, last_norm, *head = weights[0], weights[1:5], weights[5], weights[6:10], *weights[10:]
    state: dict[str, np.ndarray] = {"0.weight": first.transpose(3, 2, 0, 1), "2.weight": last.transpose(3, 2, 0, 1)}
    for place, values in ((1, norm), (3, last_norm)):
        names = ("weight", "bias", "running_mean", "running_var")
        state |= {f"{place}.{name}": value for name, value in zip(names, values, strict=True)}
    state |= {"7.weight": head[0].T, "7.bias": head[1]}
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()}, strict=False)


def _stepper(model: nn.Sequential, autocast: bool, compiled: bool) -> Callable[..., None]:
    """One training step, with the running loss and accuracy that everybody looks at."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer, loss_of = torch.optim.Adam(trained, RATE, fused=True), nn.BCEWithLogitsLoss()
    forward: Any = torch.compile(model) if compiled else model

    def step(maps: torch.Tensor, labels: torch.Tensor, sums: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs = forward(maps)
        outputs = outputs.float()[:, 0]
        loss = loss_of(outputs, labels)
        loss.backward()
        optimizer.step()
        sums.add_(torch.stack([loss.detach(), ((outputs > 0) == (labels > 0)).sum()]))

    return step


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("maps", type=Path)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
