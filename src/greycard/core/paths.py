"""Where datasets, weights and the cache lie: the option first, then the environment, then the user's own folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from greycard.core.errors import GreycardError


def as_path(place: str | os.PathLike[str], what: str) -> Path:
    """A path as it was named in Python, `~` spelled out.

    Args:
        place: the path.
        what: what it is of, for the message.

    Raises:
        GreycardError: it is no path, or an empty one.
    """
    if not isinstance(place, str | os.PathLike) or not os.fspath(place):
        raise GreycardError(
            f"{what} must be named by its path. Received: {type(place).__name__} {str(place)[:80]!r}",
            hint="a text or a pathlib.Path",
        )
    return Path(os.path.expanduser(place))


def data_dir(chosen: str | Path | None = None) -> Path:
    """The folder that holds the named datasets, one subfolder each; it need not exist unless it was chosen."""
    return _chosen_folder(chosen, "--data-dir", "GREYCARD_DATA") or _own(user_data_path) / "datasets"


def weights_dir() -> Path:
    """The folder that holds pretrained weight files; it need not exist unless `GREYCARD_WEIGHTS` names it."""
    return _chosen_folder(None, "", "GREYCARD_WEIGHTS") or _own(user_data_path) / "weights"


def cache_dir() -> Path:
    """The folder of what is kept between runs to save time; it is made when something is first kept, whoever named it.

    Raises:
        GreycardError: `GREYCARD_CACHE` names a file.
    """
    named = os.environ.get("GREYCARD_CACHE", "")
    folder = Path(named).expanduser() if named else _own(user_cache_path)
    if named and folder.is_file():
        raise GreycardError(
            f"GREYCARD_CACHE names a file where a folder is expected. Received: {folder}",
            hint="name a folder, there or not yet, or leave it out to use the default (`greycard info` shows it)",
        )
    return folder


def _own(find: Callable[[str], Path]) -> Path:
    """The user's own folder; for a user without a home, one beside other temporary files, and none named `~`."""
    try:
        folder = find("greycard")
    except RuntimeError:  # newer versions of platformdirs; older ones give a path from here
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
            hint="create it, or leave it out to use the default (`greycard info` shows it)",
        )
    return folder
