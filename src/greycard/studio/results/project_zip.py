"""Zip archives made while they are sent: a project of any size needs little memory and no room on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from greycard.deploy.serve.limits import RefusedError
from greycard.runs.directory import CHECKPOINTS, RUN_ARGS
from greycard.studio.images.folder import ImageFolder
from greycard.studio.training.run_list import label_file_of

_PART = 1 << 18
"""Bytes that are read and sent at once."""


@dataclass(frozen=True)
class Entry:
    """A file, and its name in the archive."""

    file: Path
    name: str


def project_entries(images: ImageFolder, run: Path) -> Iterator[Entry]:
    """The images by class, their label file, and a run without its private files: unpacked, a folder for the page.

    An image that is a link to a file outside the folder is left out.
    """
    for ids in images.images().values():
        for id in ids:
            with suppress(RefusedError):
                yield Entry(images.path(id), f"{images.root.name}/{id}")
    table = label_file_of(run)
    if table and table.is_file() and table.parent == images.root.resolve():
        yield Entry(table, f"{images.root.name}/{table.name}")
    yield from folder_entries(run, f"runs/{run.name}", without=(RUN_ARGS, CHECKPOINTS))


def folder_entries(folder: Path, name: str, without: Collection[str] = ()) -> Iterator[Entry]:
    """The files of a folder; hidden files and links that lead out of it are left out.

    Args:
        folder: the folder.
        name: its name in the archive.
        without: names of files and folders that are left out, wherever they are in it: a search has runs inside.
    """
    root = folder.resolve()
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder)
        if any(part in without or part.startswith(".") for part in place.parts):
            continue
        if file.is_file() and file.resolve().is_relative_to(root):
            yield Entry(file, f"{name}/{place.as_posix()}")


def zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive in parts. Files are stored, because images and models are compressed already.

    A file that is gone when its turn comes, such as an image that was moved, is left out.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for entry in entries:
            yield from _added(archive, sink, entry)
    yield sink.taken()


def _added(archive: zipfile.ZipFile, sink: _Sink, entry: Entry) -> Iterator[bytes]:
    try:
        source, info = entry.file.open("rb"), _info(entry)
    except OSError:
        return
    with source, archive.open(info, "w") as target:
        while part := source.read(_PART):
            target.write(part)
            yield sink.taken()


def _info(entry: Entry) -> zipfile.ZipInfo:
    """With the file's size and time; a name that is not valid text is written with escapes."""
    name = entry.name.encode("utf-8", "backslashreplace").decode()
    return zipfile.ZipInfo.from_file(entry.file, name, strict_timestamps=False)


class _Sink:
    """A file to write to that has no beginning to return to."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._parts.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content
