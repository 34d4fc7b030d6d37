"""What stays the same when a file moves within its disk."""

from __future__ import annotations

from pathlib import Path


def identity(file: Path) -> str:
    """The file's number, time of change and size; moving and renaming the file keep it, changing it does not.

    Raises:
        OSError: there is no such file.
    """
    facts = file.stat()
    return f"{facts.st_ino:x}-{facts.st_mtime_ns:x}-{facts.st_size:x}"
