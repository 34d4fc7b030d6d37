"""How near training comes to what the machine can do: operations counted, at the rate of a large matrix product.

    python benchmarks/ceiling.py [--rounds 9]

Counts the floating-point operations of an epoch of the table's rows that train every layer: each convolution and dense
layer forward, its weights' gradient and, but for the first, its input's, and forward again for validation. The rate is
that of the precision in which `greycard run` trains the row here. Where training takes Winograd's way on this machine,
a quarter of a convolution's operations; its additions before and after count nothing, nor do pooling, activations,
augmentation and the update of the weights: no program that multiplies this way can be as quick. Writes
`results/speed/ceiling.json`.
"""

from __future__ import annotations

import math
from typing import Any

import large
from greycard import backend
from greycard.core.processor import instruction_set
from greycard.datasets.catalog import entry
from greycard.projects import projects
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, MlpConfig
from peak import SIDE, product_seconds
from result import ResultFile, parser


def main() -> None:
    options = parser(__doc__, rounds=9).parse_args()
    backend.start()
    from greycard.backend.precision import PRECISIONS, auto_precision

    results = ResultFile("ceiling", ("project", "instructions"), keep=not options.quick)
    side = 512 if options.quick else SIDE
    rates = {precision: 2 * side**3 / product_seconds(precision, side, options.rounds) for precision in PRECISIONS}
    for recipe in (project.recipe for project in projects()[:12]):
        if recipe.pretrained is None and recipe.data.dataset != large.DATASET:
            precision = auto_precision(recipe.model.kind)
            work, rate = epoch_operations(recipe, precision), rates[precision]
            found = {"gigaflop_per_epoch": work / 1e9, "gigaflops": rate / 1e9, "least_seconds": work / rate}
            named = {"project": recipe.name, "instructions": instruction_set(), "epochs": recipe.training.epochs}
            results.put(named | {"precision": precision} | found)


def epoch_operations(recipe: Recipe, precision: str) -> float:
    """Floating-point operations of an epoch, validation included."""
    wanted = entry(recipe.data.dataset)
    model = _model(recipe, len(wanted.classes))
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    config = recipe.model
    assert isinstance(config, MlpConfig | ConvNetConfig)
    convolutions = len(config.conv) if isinstance(config, ConvNetConfig) else 0
    assert len(layers) == convolutions + len(config.dense) + 1, "every convolution, dense layer and the head"
    forward, shares = [operations(layer) for layer in layers], _shares(model, precision)
    training = [count * shares.get(layer.name, 1.0) for count, layer in zip(forward, layers, strict=True)]
    train, validation = wanted.counts
    return train * (3 * sum(training) - training[0]) + validation * sum(forward)


def _model(recipe: Recipe, classes: int) -> Any:
    from greycard.models.build import build_model

    return build_model(recipe, classes).network


def operations(layer: Any) -> float:
    """Of one image forward: a multiplication and an addition for each weight at each place of the output."""
    places = math.prod(layer.output.shape[1:-1])  # of a dense layer's output there is one
    return 2.0 * math.prod(layer.kernel.shape) * places


def _shares(model: Any, precision: str) -> dict[str, float]:
    """Of those operations, that training takes: Winograd's way has 36 products where the sums of a tile have 144."""
    from greycard.backend.measurements import table
    from greycard.backend.tensorflow_conv import WINOGRAD, shape_of
    from greycard.backend.tensorflow_conv_pool import OPERATION, ways_of

    convolutions = [layer for layer in model.layers if hasattr(layer, "kernel") and len(layer.kernel.shape) == 4]
    shapes = {layer.name: shape_of(OPERATION, layer.input, layer.kernel, precision) for layer in convolutions}
    return {name: 36 / 144 for name, shape in shapes.items() if table().way(shape, ways_of(shape)) == WINOGRAD}


if __name__ == "__main__":
    main()
