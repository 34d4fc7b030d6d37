"""An image in remote storage: its bytes, or why it cannot be read."""

from __future__ import annotations

from greycard.datasets.images import UnreadableImageError
from greycard.storage import object_store

_MOST_BYTES = 1 << 30
"""An object is read into memory."""


def image_bytes(address: str) -> bytes:
    """The bytes of an object.

    Raises:
        UnreadableImageError: there is no such object, there can be none, or it is too large.
        GreycardError: the storage cannot be used.
    """
    why = object_store.why_no_object(address)
    if why is not None:
        raise UnreadableImageError(why)
    try:
        content = object_store.content(address, _MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise UnreadableImageError("No such object") from error
    if len(content) > _MOST_BYTES:
        raise UnreadableImageError("more than 1 GiB")
    return content
