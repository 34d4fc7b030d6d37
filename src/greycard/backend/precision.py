"""Which arithmetic the hardware is fast in."""

from __future__ import annotations

from pathlib import Path

from greycard.backend.start import describe

FLOAT32, BFLOAT16 = "float32", "bfloat16"

_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
"""Without one of these a processor computes bfloat16 by way of float32, more slowly than float32 itself."""

_AMPERE = (8, 0)
"""The first generation of NVIDIA GPUs, as a compute capability, whose matrix units take bfloat16."""


def best_precision() -> str:
    """`bfloat16` where the processor or the GPU in use computes it in hardware, else `float32`."""
    facts = describe()
    has = _cpu_has_bfloat16() if facts["device"] == "CPU" else _gpu_has_bfloat16(facts["backend"])
    return BFLOAT16 if has else FLOAT32


def _cpu_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    if not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return bool(_CPU_FLAGS & set(flags))


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
