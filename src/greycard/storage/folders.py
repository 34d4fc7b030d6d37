"""Folders of parts by their addresses: on this machine's file systems, or in S3 and Google Cloud Storage."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from greycard.core.atomic_files import atomic_path, is_draft, remove_drafts
from greycard.core.paths import as_path, expect_known_storage, is_remote
from greycard.storage import object_store
from greycard.storage.claims import claimed, remove_claims


class Folder(Protocol):
    """A folder whose files are whole or not there."""

    @property
    def address(self) -> str:
        """For messages."""
        ...

    def address_of(self, name: str) -> str:
        """The path or address of a file in it."""
        ...

    def create(self) -> None:
        """Create the folder unless it exists."""
        ...

    def names(self) -> set[str]:
        """Of what is in it, but for drafts; empty if it does not exist. NotADirectoryError if it is a file."""
        ...

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading at any position."""
        ...

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """A local path for the content; after the block it becomes the file, whole, unless there was an error."""
        ...

    def claimed(self, name: str, own: bool) -> AbstractContextManager[bool]:
        """Whether this process may write a file within the block; `own` is the answer of a folder without locks."""
        ...

    def finish(self) -> None:
        """Remove what claims have left, when all files are there."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder on a file system of this machine.

    Args:
        path: absolute.
    """

    path: Path

    @property
    def address(self) -> str:
        return str(self.path)

    def address_of(self, name: str) -> str:
        return str(self.path / name)

    def create(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    def names(self) -> set[str]:
        names = (entry.name for entry in self.path.iterdir()) if self.path.exists() else ()
        return {name for name in names if not is_draft(name)}

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def open(self, name: str) -> IO[bytes]:
        return (self.path / name).open("rb")

    def writing(self, name: str) -> AbstractContextManager[Path]:
        return atomic_path(self.path / name)

    @contextmanager
    def claimed(self, name: str, own: bool) -> Iterator[bool]:
        with claimed(self.path, name, otherwise=own) as mine:
            if mine:
                remove_drafts(self.path, name)
            yield mine

    def finish(self) -> None:
        remove_claims(self.path)


@dataclass(frozen=True)
class RemoteFolder:
    """A prefix in S3 or Google Cloud Storage: a file is seen when all of it is there, and there are no locks.

    Args:
        address: such as `s3://bucket/answers`.
    """

    address: str

    def address_of(self, name: str) -> str:
        return f"{self.address.rstrip('/')}/{name}"

    def create(self) -> None:
        """A prefix needs no creation."""

    def names(self) -> set[str]:
        return object_store.names_in(self.address)

    def has(self, name: str) -> bool:
        return object_store.is_object(self.address_of(name))

    def open(self, name: str) -> IO[bytes]:
        return object_store.opened(self.address_of(name))

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="greycard-") as folder:
            draft = Path(folder, name)
            yield draft
            object_store.put(draft, self.address_of(name))

    def claimed(self, name: str, own: bool) -> AbstractContextManager[bool]:
        return nullcontext(own)

    def finish(self) -> None:
        """There are no claims."""


def folder_at(place: str | os.PathLike[str]) -> Folder:
    """The folder at a path, `s3://bucket/prefix` or `gs://bucket/prefix`.

    Raises:
        GreycardError: an address without a bucket or of another storage, pyarrow is missing, or it is no path.
    """
    if isinstance(place, str) and is_remote(place):
        object_store.expect_address(place)
        return RemoteFolder(place)
    expect_known_storage(str(place))
    return LocalFolder(as_path(place, "a folder").absolute())
