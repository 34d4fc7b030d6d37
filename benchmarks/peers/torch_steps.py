"""Training steps of PyTorch as an expert runs them: images a second.

    python benchmarks/peers/torch_steps.py mnist-cnn --precision bfloat16 [--compile] [--seconds 10]

Arrays in memory, channels last, autocast if asked for, fused optimizers, `torch.compile` if asked for, and no result
read back from a step. Freed memory is kept, as PyTorch's tuning guide advises. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import torch
from step_rows import ROWS, StepRow
from torch import nn


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    torch.manual_seed(0)
    for threshold in (-1, -3):  # of giving memory back to the system: glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
        ctypes.CDLL(None).mallopt(threshold, 1 << 30)
    model = network(row).to(memory_format=torch.channels_last)
    step = stepper(row, model, asked.precision == "bfloat16", compiled=asked.compile)
    batches = cycle(list(_batches(row)))
    for _ in range(3):
        step(*next(batches))
    done, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < asked.seconds:
        step(*next(batches))
        done += row.batch
    print(json.dumps({"images_per_second": done / spent}))


def stepper(row: StepRow, model: nn.Module, autocast: bool, *, compiled: bool) -> Callable[..., None]:
    """One training step, with the running loss and accuracy that everybody looks at."""
    optimizer, loss_of = _optimizer(row, model), nn.BCEWithLogitsLoss() if row.classes == 2 else nn.CrossEntropyLoss()
    forward: Any = torch.compile(model) if compiled else model
    sums = torch.zeros(2)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs = forward(images.float().div(255))
        outputs = outputs.float()
        loss = loss_of(outputs[:, 0], labels.float()) if row.classes == 2 else loss_of(outputs, labels)
        loss.backward()
        optimizer.step()
        right = (outputs[:, 0] > 0) == (labels > 0) if row.classes == 2 else outputs.argmax(1) == labels
        sums.add_(torch.stack([loss.detach(), right.sum()]))

    return step


def network(row: StepRow) -> nn.Sequential:
    parts: list[nn.Module] = []
    if row.width:
        parts += [*_residual(row.width), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    else:
        channels = row.channels
        for filters in row.conv:
            parts += [nn.Conv2d(channels, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
            channels = filters
        parts += [nn.Flatten()]
    for units in row.dense:
        parts += [nn.LazyLinear(units), nn.ReLU()]
    made = nn.Sequential(*parts, nn.LazyLinear(1 if row.classes == 2 else row.classes))
    made(torch.zeros(2, row.channels, row.size, row.size))
    return made


def _residual(width: int) -> list[nn.Module]:
    parts, channels = [_conv(1, width), _norm(width)], width
    for stage, blocks in enumerate((1, 0, 1), start=1):
        wider = width * 2**stage
        parts += [_conv(channels, wider), nn.MaxPool2d(2), _norm(wider), *(_Block(wider) for _ in range(blocks))]
        channels = wider
    return parts


class _Block(nn.Module):
    """Two convolutions, and their input added to the result."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(_conv(width, width), _norm(width), _conv(width, width), _norm(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def _conv(channels: int, filters: int) -> nn.Module:
    return nn.Conv2d(channels, filters, 3, padding=1, bias=False)


def _norm(width: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())


def _optimizer(row: StepRow, model: nn.Module) -> torch.optim.Optimizer:
    weights, rate = model.parameters(), row.learning_rate
    if row.optimizer == "adam":
        return torch.optim.Adam(weights, rate, fused=True)
    if row.optimizer == "sgd":
        return torch.optim.SGD(weights, rate, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    return torch.optim.RMSprop(weights, rate, foreach=True)  # it has no fused form


def _batches(row: StepRow) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    draws = np.random.default_rng(0)
    for _ in range(8):
        images = torch.from_numpy(draws.integers(0, 256, (row.batch, row.channels, row.size, row.size), dtype=np.uint8))
        labels = torch.from_numpy(draws.integers(0, row.classes, row.batch))
        yield images.contiguous(memory_format=torch.channels_last), labels


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
