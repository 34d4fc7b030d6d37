"""A command is a process of Greycard's own: what the user has set for other programs does not reach its figures."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path


def own_settings() -> None:
    """Have Matplotlib draw into files only, without the user's matplotlibrc and without remarks on its own folders.

    Jupyter hands MPLBACKEND to every `!greycard …`, and what it names may not be installed here.
    """
    os.environ["MPLBACKEND"] = "agg"
    found = find_spec("matplotlib")
    if found and found.origin:
        os.environ["MATPLOTLIBRC"] = str(Path(found.origin).parent / "mpl-data" / "matplotlibrc")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
