"""Training steps of Greycard, as `greycard run` makes them: images a second, on the same networks as its peers.

    python benchmarks/peers/greycard_steps.py mnist-cnn [--precision bfloat16] [--seconds 10]

The precision is Greycard's own choice unless one is asked for. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from step_rows import ROWS, StepRow  # noqa: E402

from ceiling import operations  # noqa: E402
from greycard import backend  # noqa: E402
from greycard.core.processor import instruction_set  # noqa: E402
from greycard.recipe import Recipe  # noqa: E402

STEPS = 1_000_000
"""Of the whole training: as many as make compiling worth it."""


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    backend.start()
    backend.seed_everything(0)
    from greycard.backend.precision import auto_precision
    from greycard.backend.steps import choices_for, steps_for
    from greycard.models.build import build_model
    from greycard.models.mixed_precision import mixed_precision, trains_in

    made = recipe(row)
    model = build_model(made, row.classes, steps=STEPS).network
    precision = asked.precision or trains_in(model, auto_precision(made.model.kind))
    steps = steps_for(model, row.batch, STEPS, choices_for(model, row.batch, STEPS, precision))
    batches, at_once = cycle(_batches(row, steps.steps_per_execution)), steps.steps_per_execution * row.batch
    with mixed_precision(model, precision):
        for _ in range(3):
            steps.train(*next(batches))
        done, begun = 0, time.perf_counter()
        while (spent := time.perf_counter() - begun) < asked.seconds:
            steps.train(*next(batches))
            done += at_once
    found = {"images_per_second": done / spent, "precision": precision, "operations": operations_of_a_step(model)}
    print(json.dumps(found | {"on": _device()}))


def _device() -> str:
    """The GPU's name, else the processor's instructions."""
    if backend.describe()["device"] == "CPU":
        return instruction_set()
    if backend.describe()["backend"] == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    import torch

    return str(torch.cuda.get_device_name())


def operations_of_a_step(model: Any) -> float:
    """Of one image, by direct convolutions: forward, the weights' gradients, and the inputs' but the first layer's."""
    each = [operations(layer) for layer in model.layers if hasattr(layer, "kernel")]
    return 3 * sum(each) - each[0]


def recipe(row: StepRow) -> Recipe:
    fields: dict[str, Any] = {"image_size": row.size, "channels": row.channels, "batch_size": row.batch}
    fields |= {"optimizer.kind": row.optimizer, "learning_rate": row.learning_rate}
    if row.width:
        fields |= {"model.kind": "resnet", "width": row.width, "weight_decay": 5e-4}
    elif row.conv:
        fields |= {"model.kind": "convnet", "conv": row.conv, "dense": row.dense}
    else:
        fields |= {"model.kind": "mlp", "dense": row.dense}
    return Recipe.make(name="steps", dataset="steps", **fields)


def _batches(row: StepRow, at_once: int) -> list[tuple[np.ndarray, np.ndarray]]:
    draws, made = np.random.default_rng(0), []
    for _ in range(max(2, 8 // at_once)):
        count = at_once * row.batch
        images = draws.integers(0, 256, (count, row.size, row.size, row.channels), dtype=np.uint8)
        made.append((images, draws.integers(0, row.classes, count)))
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--precision", choices=("float32", "bfloat16"))
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
