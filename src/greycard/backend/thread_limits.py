"""The number of threads that TensorFlow, JAX, PyTorch and OpenCV compute with."""

from __future__ import annotations

import os
from contextlib import suppress

from greycard.core.threads import ThreadCount, thread_count

_OPENMP = "OMP_NUM_THREADS"
_ENVIRONMENT = (_OPENMP, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What NumPy, SciPy, scikit-learn and PyTorch read when they are imported."""

_XLA = "NPROC"
"""XLA has no other setting for its pool."""

_TENSORFLOW = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def set_environment(threads: ThreadCount) -> None:
    """Set the variables that libraries read at import; call before importing them. What the user has set stays."""
    if threads.limited:
        for name in _ENVIRONMENT:
            os.environ.setdefault(name, str(threads.count))
    if os.environ.get("KERAS_BACKEND") == "jax":
        os.environ.setdefault(_XLA, str(threads.count))


def changed_environment(threads: int) -> dict[str, str]:
    """The variables that `set_environment` has set for this process's usual threads, for another number of them.

    Other processes inherit the variables, and must not take them for the user's.
    """
    usual = str(thread_count().count)
    return {name: str(threads) for name in (*_ENVIRONMENT, _XLA) if os.environ.get(name) == usual}


def limit_backend(backend: str, threads: ThreadCount) -> None:
    """Set the number of threads of the backend and of OpenCV; call before the backend's first operation."""
    if backend == "tensorflow":
        _limit_tensorflow(threads)
    elif backend == "torch":
        _limit_torch(threads)
    if threads.limited:
        import cv2

        cv2.setNumThreads(threads.count)


def _limit_tensorflow(threads: ThreadCount) -> None:
    if any(os.environ.get(name) for name in _TENSORFLOW):
        return
    import tensorflow

    settings = tensorflow.config.threading
    with suppress(RuntimeError):  # the program has used TensorFlow before: its threads exist already
        if not settings.get_intra_op_parallelism_threads():
            settings.set_intra_op_parallelism_threads(threads.count)
        if not settings.get_inter_op_parallelism_threads():
            settings.set_inter_op_parallelism_threads(threads.count)


def _limit_torch(threads: ThreadCount) -> None:
    """PyTorch's own default is kept where it is smaller: on some processors it counts cores without hyper-threads."""
    import torch

    if os.environ.get(_OPENMP, "") not in ("", str(threads.count)):  # the user's own setting, which PyTorch has read
        return
    if threads.limited or threads.count < torch.get_num_threads():
        torch.set_num_threads(threads.count)
