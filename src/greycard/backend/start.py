"""A quiet and thrifty start, one seed for everything, and what is in use."""

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

from greycard.backend.keras_settings import chosen_backend, expect_settings, without_user_settings

if TYPE_CHECKING:
    import numpy as np


def configure() -> None:
    """Keep the backends' start-up remarks off the terminal; call before Keras is imported.

    The backend is stated in KERAS_BACKEND; what else the user has set in the environment stays as it is. TensorFlow
    keeps the memory it has: without its own allocator every step asks the system for the same pages again, a third of
    the time of a small CNN. And it uses oneDNN on processors where it would leave it out, though it is up to 1.5 times
    as fast there (docs/log.md).

    Raises:
        GreycardError: there is no such backend, or it is not installed.
    """
    os.environ["KERAS_BACKEND"] = chosen_backend()
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    for name in ("tensorflow", "absl", "jax", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)


def start() -> None:
    """Import Keras and the backend in use, some seconds the first time, without what they remark on stderr.

    Raises:
        GreycardError: no such backend, or the program has imported Keras before and set it to something else.
    """
    configure()
    if "keras" in sys.modules:
        expect_settings()
        return
    with muted(), without_user_settings(), _interruption_heard():
        import_module("optree")  # of which Keras says that it is not installed, whatever went wrong
        import keras

        keras.ops.convert_to_numpy(keras.ops.zeros(1) + 1)  # the first operation remarks again


@contextmanager
def _interruption_heard() -> Iterator[None]:
    """Hand a signal on once more where an import has swallowed what it raised, taking it for a missing package."""
    in_main = threading.current_thread() is threading.main_thread()
    handlers: dict[int, Any] = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM) if in_main}
    heard = {number: handler for number, handler in handlers.items() if callable(handler)}
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        heard[number](number, frame)

    for number in heard:
        signal.signal(number, note)
    try:
        yield
    except Exception:
        if not asked:
            raise
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
    for number in asked:
        heard[number](number, None)


@contextmanager
def muted() -> Iterator[None]:
    """Nothing reaches the terminal's stderr: libraries in C++ write there before they can be told not to."""
    if sys.stderr is None:  # closed by whoever started this process: nothing to mute
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
    """Seed weights and dropout, and ask for operations that give the same numbers every time."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)


def random_state() -> np.ndarray:
    """The random state that the backend keeps outside of Keras's variables, uint8 (n,); PyTorch alone has one."""
    import keras
    import numpy as np

    if keras.backend.backend() != "torch":
        return np.empty(0, np.uint8)
    import torch

    return torch.get_rng_state().numpy()


def set_random_state(state: np.ndarray) -> None:
    """Put back what `random_state` gave."""
    if len(state):
        import torch

        torch.set_rng_state(torch.from_numpy(state))


def describe() -> dict[str, str]:
    """The backend in use: its name, its version and the device that will compute."""
    import keras

    name = keras.backend.backend()
    version = __import__(name).__version__
    return {"backend": name, "backend_version": str(version), "device": _device(name), "keras": keras.__version__}


def _device(name: str) -> str:
    if name == "tensorflow":
        import tensorflow

        return "GPU" if tensorflow.config.list_physical_devices("GPU") else "CPU"
    if name == "jax":
        import jax

        return "CPU" if jax.default_backend() == "cpu" else jax.default_backend().upper()
    import torch

    return "GPU" if torch.cuda.is_available() else "CPU"
