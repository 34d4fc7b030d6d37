"""Run a greycard command that ends with the process that started it.

`python -m greycard.studio.bound serve RUN` runs `greycard serve RUN`.

The parent holds the other end of stdin, which the system closes when the parent ends in any way, also by a kill.
"""

from __future__ import annotations

import os
import runpy
import sys
from threading import Thread


def main() -> None:
    """Run the command of the arguments."""
    Thread(target=_end_with_stdin, daemon=True).start()
    sys.argv[0] = "greycard"
    runpy.run_module("greycard", run_name="__main__")


def _end_with_stdin() -> None:
    """At once, even while Keras is loading; what is on disk is whole at any time."""
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
