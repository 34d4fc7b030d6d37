"""How near training comes to what the machine can do: operations counted, at the rate of a large matrix product.

    python benchmarks/ceiling.py [--rounds 9]

Counts the floating-point operations of an epoch of the table's rows that train every layer: each convolution and dense
layer forward, its weights' gradient and, but for the first, its input's, and forward again for validation. Where
training takes Winograd's way, a quarter of a convolution's; its additions before and after count nothing, nor do
pooling, activations, augmentation and the update of the weights: no program that multiplies this way can be as quick.
Writes `results/speed/ceiling.json`.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

import large
from greycard.backend import configure
from greycard.datasets.catalog import entry
from greycard.projects import projects
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, MlpConfig
from result import ResultFile, parser

SIDE = 4096
"""Of the matrices: large enough for the rate to be the machine's, not the call's."""


def main() -> None:
    options = parser(__doc__, rounds=9).parse_args()
    configure()
    results = ResultFile("ceiling", ("project",), keep=not options.quick)
    rate = _rate(512 if options.quick else SIDE, options.rounds)
    for recipe in (project.recipe for project in projects()[:12]):
        if recipe.pretrained is None and recipe.data.dataset != large.DATASET:
            work = epoch_operations(recipe)
            found = {"gigaflop_per_epoch": work / 1e9, "gigaflops": rate / 1e9, "least_seconds": work / rate}
            results.put({"project": recipe.name, "epochs": recipe.training.epochs, **found})


def _rate(side: int, rounds: int) -> float:
    """Operations a second, the best of some products of float32 matrices (side, side) on all cores."""
    from keras import ops

    matrix = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(side, side)).astype(np.float32))
    taken = []
    for _ in range(rounds + 1):  # the first one warms up
        begun = time.perf_counter()
        ops.convert_to_numpy(ops.matmul(matrix, matrix)[0, 0])
        taken.append(time.perf_counter() - begun)
    return 2 * side**3 / min(taken[1:])


def epoch_operations(recipe: Recipe) -> float:
    """Floating-point operations of an epoch, validation included."""
    wanted = entry(recipe.data.dataset)
    layers = [layer for layer in _model(recipe, len(wanted.classes)).layers if hasattr(layer, "kernel")]
    config = recipe.model
    assert isinstance(config, MlpConfig | ConvNetConfig)
    convolutions = len(config.conv) if isinstance(config, ConvNetConfig) else 0
    assert len(layers) == convolutions + len(config.dense) + 1, "every convolution, dense layer and the head"
    forward = [_operations(layer) for layer in layers]
    training = [count * _share(layer) for count, layer in zip(forward, layers, strict=True)]
    train, validation = wanted.counts
    return train * (3 * sum(training) - training[0]) + validation * sum(forward)


def _model(recipe: Recipe, classes: int) -> Any:
    from greycard.models.build import build_model

    return build_model(recipe, classes).network


def _operations(layer: Any) -> float:
    """Of one image forward: a multiplication and an addition for each weight at each place of the output."""
    places = math.prod(layer.output.shape[1:-1])  # of a dense layer's output there is one
    return 2.0 * math.prod(layer.kernel.shape) * places


def _share(layer: Any) -> float:
    """Of those operations, that training takes: Winograd's way has 36 products where the sums of a tile have 144."""
    from greycard.backend.tensorflow_winograd import FROM

    shape = layer.kernel.shape
    return 36 / 144 if len(shape) == 4 and min(shape[2:]) >= FROM else 1.0


if __name__ == "__main__":
    main()
