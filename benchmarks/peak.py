"""The machine's own rates: large matrix products in both precisions, and copying memory.

    python benchmarks/peak.py

Prints one line of JSON: GFLOP/s in float32 and in bfloat16 by oneDNN through TensorFlow, the best of nine products of
matrices of 4,096 rows; and GB/s that are read and written when 512 MB are copied.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

from greycard import backend

SIDE, BYTES, TIMES = 4096, 1 << 29, 9


def main() -> None:
    backend.start()
    rates = {
        f"gflops_{name}": 2 * SIDE**3 / product_seconds(name, SIDE, TIMES) / 1e9 for name in ("float32", "bfloat16")
    }
    print(json.dumps(rates | {"copied_gb_per_second": 2 * BYTES / copy_seconds() / 1e9}))


def product_seconds(dtype: str, side: int, times: int) -> float:
    """The shortest time of a product of two matrices (side, side)."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((side, side), (0, 0)), dtype)
    product = tf.function(lambda x: tf.cast(tf.matmul(x, x)[0, 0], "float32"))
    return _shortest(lambda: product(matrix).numpy(), times)


def copy_seconds() -> float:
    """The shortest time to copy BYTES with all cores."""
    import tensorflow as tf

    source = tf.zeros(BYTES // 4)
    copied = tf.function(lambda x: x + 1.0)
    return _shortest(lambda: copied(source), TIMES)


def _shortest(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times + 1):  # the first one warms up
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return float(np.min(taken[1:]))


if __name__ == "__main__":
    main()
