"""Features a second from a frozen MobileNetV2 at 224 px: `model.predict` against Greycard's feature engine.

    python benchmarks/features.py [--images 512] [--rounds 3]

In turn, on random pixels and random weights, which cost what real ones cost. Beside them LiteRT and OpenVINO as an
expert uses them without Greycard (`peers/engines.py`), and Greycard with OpenVINO in bfloat16, if it is installed and
the processor has it. Each row says how far its features are from those of `model.predict`, relative to
their largest. Writes `results/speed/features.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent / "peers"))

import engines

from clock import Way, measure
from greycard.backend import configure
from greycard.core.processor import instruction_set
from result import ResultFile, parser

BATCH = 32


def main() -> None:
    options = _options()
    configure()
    results = ResultFile("features", ("work", "how", "instructions"), keep=not options.quick)
    images = np.random.default_rng(0).integers(0, 256, (options.images, 224, 224, 3), dtype=np.uint8)
    found = _engines()
    expected = found["model.predict"](images[:BATCH])
    ways = [Way("MobileNetV2 features, 224 px", how, _counted(engine, images)) for how, engine in found.items()]
    for row in measure(ways, options.rounds):
        away = np.abs(found[row["how"]](images[:BATCH]) - expected).max() / np.abs(expected).max()
        results.put(row | {"largest_difference": float(away), "instructions": instruction_set()})


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("--images", type=int, default=512)
    options = made.parse_args()
    if options.quick:
        options.images, options.rounds = 64, 1
    return options


def _engines() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Both take uint8 (n, 224, 224, 3) and return float32 (n, 1280), from one and the same model."""
    from greycard.backend.inference import fastest, rounded_precision
    from greycard.backend.litert import convert
    from greycard.backend.openvino import is_installed
    from greycard.backend.precision import BFLOAT16, FLOAT32

    model = _model()
    converted = convert(model)
    found = {"model.predict": lambda images: model.predict(images, batch_size=BATCH, verbose=0)}
    found["LiteRT alone"] = engines.litert(converted)
    found["Greycard"] = _batched(fastest(model, FLOAT32))
    if is_installed():
        found["OpenVINO alone, float32"] = engines.openvino(converted, "f32")
    if rounded_precision() == BFLOAT16:
        found["OpenVINO alone, bfloat16"] = engines.openvino(converted, "bf16")
        found["Greycard with OpenVINO"] = _batched(fastest(model, BFLOAT16))
    return found


def _batched(extract: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda images: np.concatenate([extract(images[row : row + BATCH]) for row in range(0, len(images), BATCH)])


def _model() -> Any:
    """MobileNetV2 with its own preprocessing in front, pooled."""
    import keras

    from greycard.models.imagenet import network
    from greycard.models.preprocessing import add_preprocessing

    pixels = keras.Input((224, 224, 3), dtype="uint8")
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(224, 224, 3), pooling="avg")
    base.trainable = False
    return keras.Model(pixels, base(add_preprocessing(pixels, network("MobileNetV2")), training=False))


def _counted(engine: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> Callable[[int], int]:
    return lambda _number: len(engine(images))


if __name__ == "__main__":
    main()
