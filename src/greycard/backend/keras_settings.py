"""The Keras settings that Greycard needs. They override the user's keras.json and environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError

BACKENDS = ("tensorflow", "jax", "torch")
_SETTINGS = {"floatx": "float32", "image_data_format": "channels_last", "epsilon": 1e-07}
_LIMITS = ("max_epochs", "max_steps_per_epoch")
_HIDDEN = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")


def chosen_backend() -> str:
    """The backend that `KERAS_BACKEND` names, else the one in keras.json, else TensorFlow.

    Raises:
        GreycardError: the name is unknown, or the backend is not installed.
    """
    by_environment, by_file = os.environ.get("KERAS_BACKEND", "").strip(), (_user_settings() or {}).get("backend")
    named = str(by_environment or by_file or "tensorflow")
    where = "KERAS_BACKEND" if by_environment else f"backend in {_user_file()}"
    name = named.lower()
    if name not in BACKENDS:
        raise GreycardError(
            f"{where} must be one of {', '.join(BACKENDS)}. Received: {named!r}",
            hint="unset KERAS_BACKEND to use TensorFlow" if by_environment else "set KERAS_BACKEND=tensorflow",
        )
    if find_spec(name) is None:
        other = "" if name == "tensorflow" else ", or set KERAS_BACKEND=tensorflow"
        raise GreycardError(
            f"{where} is {named}, but {name} is not installed", hint=f'pip install "greycard[{name}]"{other}'
        )
    return name


@contextmanager
def without_user_settings() -> Iterator[None]:
    """Import Keras in this block: it ignores a keras.json with other settings and variables that limit training."""
    hidden = {name: os.environ.pop(name, None) for name in _HIDDEN}
    if not _fits(_user_settings()):
        hidden["KERAS_HOME"] = os.environ.get("KERAS_HOME")
        os.environ["KERAS_HOME"] = os.devnull  # Keras finds no file there and cannot write one
    try:
        yield
    finally:
        for name, value in hidden.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


def expect_settings() -> None:
    """Raise a GreycardError if this program has changed a Keras setting that Greycard depends on."""
    import keras

    if keras.config.backend() not in BACKENDS:
        raise GreycardError(
            f"Keras runs on {keras.config.backend()} in this program; Greycard needs one of {', '.join(BACKENDS)}",
            hint="set KERAS_BACKEND=tensorflow before Keras is imported",
        )
    for name, wanted in _SETTINGS.items():
        _expect(name, getattr(keras.config, name)(), wanted)
    for name in _LIMITS:
        _expect(name, getattr(keras.config, name)(), None)
    _expect("dtype_policy", keras.config.dtype_policy().name, "float32")


def _expect(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise GreycardError(
            f"Keras has {name}={found!r} in this program; Greycard needs {wanted!r}",
            hint=f"call keras.config.set_{name}({wanted!r}) first, or run Greycard in a separate program",
        )


def _fits(settings: dict[str, Any] | None) -> bool:
    known = {**_SETTINGS, "nnx_enabled": False}
    return settings is not None and all(settings.get(name, value) == value for name, value in known.items())


def _user_settings() -> dict[str, Any] | None:
    """The content of keras.json; None if it is not a JSON object, because Keras may fail on it."""
    file = _user_file()
    try:
        found = json.loads(file.read_bytes()) if file.exists() else {}
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _user_file() -> Path:
    """The path where Keras looks for keras.json."""
    home = os.path.expanduser("~")
    base = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", base)), "keras.json")
