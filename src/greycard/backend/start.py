"""Start Keras and its backend without messages, seed them, and describe them."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

from greycard.backend.allocator import keep_freed_memory
from greycard.backend.keras_settings import chosen_backend, expect_settings, without_user_settings
from greycard.backend.thread_limits import changed_environment, limit_backend, set_environment
from greycard.core.threads import ThreadCount, thread_count

if TYPE_CHECKING:
    import numpy as np


def configure(threads: ThreadCount | None = None) -> None:
    """Set the environment for Keras and its backend; call this before Keras is imported.

    This hides start-up messages, and it never overrides other settings of the user. Two settings make TensorFlow faster
    (docs/log.md). With its own allocator it keeps its memory; without it, every step requests the same pages from the
    system again, which takes a third of the time of a small CNN. And it uses oneDNN on all processors: TensorFlow turns
    it off on some, although it is up to 1.5 times as fast there.

    Args:
        threads: to compute with; None for `thread_count`.

    Raises:
        GreycardError: the backend is unknown or not installed, or `GREYCARD_THREADS` is not a valid number.
    """
    os.environ["KERAS_BACKEND"] = chosen_backend()
    if threads:
        os.environ.update(changed_environment(threads.count))
    set_environment(threads or thread_count())
    _ask_for_determinism(os.environ["KERAS_BACKEND"])
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    for name in ("tensorflow", "absl", "jax", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _ask_for_determinism(backend: str) -> None:
    """What must be in the environment before a library is imported; on a CPU it changes nothing."""
    flags = os.environ.get("XLA_FLAGS", "")
    if backend == "jax" and "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = " ".join([*flags.split(), "--xla_gpu_deterministic_ops=true"])
    if backend == "torch":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else PyTorch warns that a product may differ


def start(threads: ThreadCount | None = None) -> None:
    """Import Keras and its backend without their messages on stderr. The first call takes some seconds.

    Args:
        threads: to compute with; None for `thread_count`. Only PyTorch can change it later.

    Raises:
        GreycardError: as in `configure`; or the program has already imported Keras and changed a setting.
    """
    configure(threads)
    threads = threads or thread_count()
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        keep_freed_memory()
    if "keras" in sys.modules:
        expect_settings()
        limit_backend(sys.modules["keras"].config.backend(), threads)
        return
    with muted(), without_user_settings(), _interruption_kept():
        import_module("optree")  # first: if this import fails inside Keras, Keras reports "not installed"
        import keras

        limit_backend(keras.config.backend(), threads)
        keras.ops.convert_to_numpy(keras.ops.zeros(1) + 1)  # the first operation prints messages, too


@contextmanager
def _interruption_kept() -> Iterator[None]:
    """Repeat a signal if an import has swallowed its exception, taking it for a missing package."""
    in_main = threading.current_thread() is threading.main_thread()
    handlers: dict[int, Any] = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM) if in_main}
    original = {number: handler for number, handler in handlers.items() if callable(handler)}
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        original[number](number, frame)

    for number in original:
        signal.signal(number, note)
    try:
        yield
    except Exception:
        if not received:
            raise
    finally:
        for number, handler in original.items():
            signal.signal(number, handler)
    for number in received:
        original[number](number, None)


@contextmanager
def muted() -> Iterator[None]:
    """Redirect the process's stderr to nowhere: C++ libraries write to it before Python can configure them."""
    if sys.stderr is None:  # the parent process has closed it: there is nothing to mute
        yield
        return
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def seed_everything(seed: int) -> None:
    """Seed weights and dropout, and turn on deterministic operations."""
    import keras

    with muted():  # Keras seeds TensorFlow, too, where it is installed, and its import prints messages
        keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # for debugging; every new array is written twice


def random_state() -> np.ndarray:
    """The backend's random state outside Keras's variables, uint8 (n,); empty except with PyTorch."""
    import keras
    import numpy as np

    if keras.backend.backend() != "torch":
        return np.empty(0, np.uint8)
    import torch

    states = [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else ())]
    return torch.cat(states).numpy()


def set_random_state(state: np.ndarray) -> None:
    """Restore a state from `random_state`."""
    if len(state):
        import torch

        own, cuda = torch.from_numpy(state).split([size := len(torch.get_rng_state()), len(state) - size])
        torch.set_rng_state(own)
        if torch.cuda.is_available() and len(cuda):  # dropout on a GPU draws from the GPU's own generator
            torch.cuda.set_rng_state_all(list(cuda.chunk(torch.cuda.device_count())))


def describe() -> dict[str, str]:
    """The backend in use: its name, its version and its device, and the version of Keras."""
    import keras

    name = keras.backend.backend()
    version = __import__(name).__version__
    return {"backend": name, "backend_version": str(version), "device": _device(name), "keras": keras.__version__}


def on_tensorflow_cpu() -> bool:
    """True if TensorFlow computes on a CPU: only there Greycard has faster operations and other engines."""
    facts = describe()
    return facts["backend"] == "tensorflow" and facts["device"] == "CPU"


def _device(name: str) -> str:
    if name == "tensorflow":
        import tensorflow

        return "GPU" if tensorflow.config.list_physical_devices("GPU") else "CPU"
    if name == "jax":
        import jax

        return "CPU" if jax.default_backend() == "cpu" else jax.default_backend().upper()
    import torch

    return "GPU" if torch.cuda.is_available() else "CPU"
