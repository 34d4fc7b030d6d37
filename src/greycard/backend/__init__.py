"""The only package that imports a backend: a quiet start, and the fastest training and inference of each one."""

from greycard.backend.start import (
    configure,
    describe,
    on_tensorflow_cpu,
    random_state,
    seed_everything,
    set_random_state,
    start,
)

__all__ = [
    "configure",
    "describe",
    "on_tensorflow_cpu",
    "random_state",
    "seed_everything",
    "set_random_state",
    "start",
]
