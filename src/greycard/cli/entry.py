"""The first lines of the `greycard` command, so light that Ctrl-C has hardly a moment before them."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Import the command line and run it; Ctrl-C is told in one word whenever it comes."""
    try:
        from greycard.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to save while Python ends
