"""One server for a folder: the steps that can be undone and the features of images are in its memory, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.locks import try_lock
from greycard.studio.images.folder import STATE
from greycard.studio.images.usable import expect_usable


@contextmanager
def only_server(root: Path) -> Iterator[None]:
    """Hold a folder for this server; the system gives it back when the process ends, also by a kill.

    Args:
        root: the user's folder; created if it does not exist.

    Raises:
        GreycardError: another server holds it, or the folder cannot be shown.
    """
    expect_usable(root)
    with ExitStack() as held:
        with suppress(OSError):  # a folder that cannot be written, or a file system without locks
            (root / STATE).mkdir(parents=True, exist_ok=True)
            file = held.enter_context((root / STATE / "server.lock").open("ab"))
            if not try_lock(file):
                raise GreycardError(
                    f"another greycard studio serves {root}", hint="use its page, or stop it with Ctrl-C first"
                )
        yield
