"""Where datasets, weights, runtimes and the cache are: the option, then the environment, then the user's folders."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from greycard.core.errors import GreycardError

S3, GS = "s3://", "gs://"
"""What addresses of remote storage begin with."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""The start of an address; a drive of Windows has one letter."""

_READERS = "copy it here, or use `check`, or `predict` or `embed` with --answers, which read remote images"


def is_remote(name: str) -> bool:
    """Whether a name is an address in S3 or Google Cloud Storage."""
    return name.startswith((S3, GS))


def expect_known_storage(name: str) -> None:
    """Raise a GreycardError for an address such as `gcs://bucket/folder`, which would be taken for a path."""
    if _ADDRESS.match(name) and not is_remote(name):
        raise GreycardError(
            f"{name} is in no storage that Greycard knows; expected {S3}bucket/folder or {GS}bucket/folder",
            hint="write the address in one of these forms, or copy the files to this machine",
        )


def expect_local(name: str, what: str, hint: str = "name a folder or a file of this machine") -> None:
    """Raise a GreycardError for an address of any storage, of which a file system would make folders.

    Args:
        name: a path, also one that was an address before it became a `Path`.
        what: what it is for, as the error message says it.
        hint: what to do.
    """
    if _ADDRESS.match(name):
        raise GreycardError(f"{what} must be on a file system of this machine. Received: {name}", hint=hint)


def as_path(place: str | os.PathLike[str], what: str) -> Path:
    """Convert a Python caller's argument to a path and expand `~`.

    Args:
        place: the argument.
        what: what the path is for, as the error message says it.

    Raises:
        GreycardError: the argument is not a path, is empty, or is an address in remote storage.
    """
    if not isinstance(place, str | os.PathLike) or not os.fspath(place):
        raise GreycardError(
            f"{what} must be a path. Received: {type(place).__name__} {str(place)[:80]!r}",
            hint="pass a string or a pathlib.Path",
        )
    expect_local(str(place), what, _READERS)
    return Path(os.path.expanduser(place))


def data_dir(chosen: str | Path | None = None) -> Path:
    """The folder of the catalog's datasets, one subfolder each; only a folder that the user chose must exist."""
    return _chosen_folder(chosen, "--data-dir", "GREYCARD_DATA") or _own(user_data_path) / "datasets"


def weights_dir() -> Path:
    """The folder of pretrained weight files; it must exist only if `GREYCARD_WEIGHTS` names it."""
    return _chosen_folder(None, "", "GREYCARD_WEIGHTS") or _own(user_data_path) / "weights"


def runtimes_dir() -> Path:
    """The folder of downloaded runtimes; it must exist only if `GREYCARD_RUNTIMES` names it."""
    return _chosen_folder(None, "", "GREYCARD_RUNTIMES") or _own(user_data_path) / "runtimes"


def cache_dir() -> Path:
    """The folder of data that Greycard caches between runs; it is created when something is first cached.

    Raises:
        GreycardError: `GREYCARD_CACHE` names a file.
    """
    named = os.environ.get("GREYCARD_CACHE", "")
    folder = Path(named).expanduser() if named else _own(user_cache_path)
    if named and folder.is_file():
        raise GreycardError(
            f"GREYCARD_CACHE must name a folder, but this is a file. Received: {folder}",
            hint="set it to a folder (it may be new), or unset it to use the default that `greycard info` shows",
        )
    return folder


def _own(find: Callable[[str], Path]) -> Path:
    """The user's folder. A user without a home directory gets a temporary folder, never one named `~`."""
    try:
        folder = find("greycard")
    except RuntimeError:  # platformdirs: newer versions raise if there is no home; older ones return a relative path
        folder = Path("~")
    if folder.is_absolute():
        return folder
    return Path(tempfile.gettempdir(), f"greycard-{os.getuid() if hasattr(os, 'getuid') else 'user'}")


def _chosen_folder(chosen: str | Path | None, option: str, variable: str) -> Path | None:
    named = (str(chosen), option) if chosen else (os.environ.get(variable, ""), variable)
    if not named[0]:
        return None
    folder = Path(os.path.expanduser(named[0]))
    if not folder.is_dir():
        raise GreycardError(
            f"{named[1]} names a folder that does not exist. Received: {folder}",
            hint="create it, or leave it out to use the default that `greycard info` shows",
        )
    return folder
