"""Matplotlib settings of the CLI: the user's settings for other programs do not change Greycard's figures."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path


def own_settings() -> None:
    """Make Matplotlib draw to files only, without the user's matplotlibrc and without messages about its folders.

    Jupyter passes MPLBACKEND to every `!greycard …`, and that backend may not be installed here.
    """
    os.environ["MPLBACKEND"] = "agg"
    found = find_spec("matplotlib")
    if found and found.origin:
        os.environ["MATPLOTLIBRC"] = str(Path(found.origin).parent / "mpl-data" / "matplotlibrc")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
