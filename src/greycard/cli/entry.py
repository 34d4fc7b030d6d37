"""The entry point of the `greycard` command. It imports almost nothing, so that it handles Ctrl-C from the start."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Import the command line and run it; Ctrl-C prints one word at any moment."""
    try:
        from greycard.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to save while Python exits
