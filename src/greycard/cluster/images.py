"""The images of a shard by their names: files of this machine, or objects in remote storage that are read ahead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, overload

from greycard.core.paths import is_remote
from greycard.core.threads import map_ahead, network_pool
from greycard.datasets.formats import has_image_ending
from greycard.datasets.images import UnreadableImageError
from greycard.datasets.remote_image import image_bytes
from greycard.storage import object_store

_AHEAD = 32
"""Remote images that have been read and wait."""


@dataclass(frozen=True)
class RemoteImage:
    """An image in remote storage.

    Attributes:
        name: its address.
        content: its bytes, or why they cannot be read.
    """

    name: str
    content: bytes | str

    def read(self) -> bytes:
        """The bytes; UnreadableImageError if there are none."""
        if isinstance(self.content, str):
            raise UnreadableImageError(self.content)
        return self.content


class ShardImages(Sequence[Any]):
    """What a network reads for each image: a path, or a `RemoteImage`.

    Iterating reads remote images ahead, so that a few are in memory at a time.

    Args:
        names: of the images.
        folder: relative paths start here.
    """

    def __init__(self, names: Sequence[str], folder: str) -> None:
        self.paths = [name if is_remote(name) else os.path.join(folder, name) for name in names]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        return [_image(path) for path in self.paths[row]] if isinstance(row, slice) else _image(self.paths[row])

    def __iter__(self) -> Iterator[Any]:
        if not any(map(is_remote, self.paths)):
            yield from self.paths
            return
        with network_pool() as pool:
            yield from map_ahead(pool, _image, self.paths, _AHEAD)


def remote_images(address: str) -> Iterator[str]:
    """The addresses of the images below a prefix, in order; or the address itself if it is an object.

    Raises:
        GreycardError: there are none, or the storage cannot be used.
    """
    if object_store.is_object(address):
        yield address
        return
    found = 0
    for each in object_store.below(address):
        if has_image_ending(PurePosixPath(each)):
            found += 1
            yield each
    if not found:
        raise object_store.no_images(address)


def _image(path: str) -> Any:
    return RemoteImage(path, _content(path)) if is_remote(path) else path


def _content(address: str) -> bytes | str:
    try:
        return image_bytes(address)
    except UnreadableImageError as error:
        return str(error)
