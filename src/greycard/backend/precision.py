"""The precision of training: what the user requests, else what is fast on the hardware."""

from __future__ import annotations

import os

from greycard.backend.measurements import table
from greycard.backend.start import describe, on_tensorflow_cpu
from greycard.core.errors import GreycardError
from greycard.core.processor import flags

FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)

VARIABLE = "GREYCARD_PRECISION"
"""The environment variable that replaces a recipe's `auto`."""

_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
"""A processor without one of these converts bfloat16 to float32 and back, which is slower than float32."""

_AMPERE = (8, 0)
"""The compute capability of the first NVIDIA GPUs whose matrix units support bfloat16."""


def auto_precision(family: str) -> str:
    """The precision of `auto`: the value of `GREYCARD_PRECISION`; else float32 where it was measured to be faster for
    this family of models; else `best_precision`.

    Raises:
        GreycardError: the variable has another value than `float32` or `bfloat16`.
    """
    if requested := requested_precision():
        return requested
    best = best_precision()
    return table().precisions.get(family, best) if best == BFLOAT16 and on_tensorflow_cpu() else best


def expected_precision() -> str:
    """The precision of `auto` on this processor, without starting Keras.

    Raises:
        GreycardError: as in `auto_precision`.
    """
    return requested_precision() or (BFLOAT16 if _cpu_has_bfloat16() else FLOAT32)


def requested_precision() -> str | None:
    """The value of `GREYCARD_PRECISION`; None if it is unset or empty.

    Raises:
        GreycardError: it is neither `float32` nor `bfloat16`.
    """
    value = os.environ.get(VARIABLE, "")
    if value and value not in PRECISIONS:
        raise GreycardError(
            f"{VARIABLE} must be {' or '.join(PRECISIONS)}. Received: {value!r}",
            hint=f"unset {VARIABLE} to use the fastest precision of the hardware",
        )
    return value or None


def best_precision() -> str:
    """`bfloat16` if the processor or GPU in use supports it in hardware, else `float32`."""
    facts = describe()
    on_cpu = facts["device"] == "CPU"
    has = _cpu_has_bfloat16() if on_cpu else _gpu_has_bfloat16(facts["backend"])
    slower = on_cpu and facts["backend"] == "jax"  # XLA's code for it was slower on all networks (docs/log.md)
    return BFLOAT16 if has and not slower else FLOAT32


def _cpu_has_bfloat16() -> bool:
    return bool(_CPU_FLAGS & flags())


def _gpu_has_bfloat16(backend: str) -> bool:
    if backend == "torch":
        import torch

        return bool(torch.cuda.is_bf16_supported())
    if backend == "jax":
        import jax

        capability = str(getattr(jax.devices()[0], "compute_capability", "0.0"))
        return tuple(int(part) for part in capability.split(".")) >= _AMPERE
    import tensorflow

    device = tensorflow.config.list_physical_devices("GPU")[0]
    details = tensorflow.config.experimental.get_device_details(device)
    return tuple(details.get("compute_capability", (0, 0))) >= _AMPERE
