"""What requests may contain; anything else is refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from greycard.deploy.serve.limits import RefusedError

_MOST_IDS = 100_000


async def read_fields(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """The JSON object of a request's body, with exactly these fields.

    JSON is required because pages of other sites cannot send it without the server's permission.

    Raises:
        RefusedError: another content type, no JSON object, or other fields.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, f"expected application/json. Received: {kind[:40] or 'nothing'}")
    try:
        content = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the request's body is not JSON") from error
    if not isinstance(content, dict) or content.keys() != set(names):
        raise RefusedError(400, f"expected a JSON object with {' and '.join(names) or 'no fields'}")
    return content


def expect_image(request: Request) -> None:
    """Raise a RefusedError unless the request's body is an image, by its content type.

    Pages of other sites cannot send such a content type without the server's permission.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith("image/"):
        raise RefusedError(415, f"expected an image (image/…). Received: {kind[:40] or 'nothing'}")


def ids_of(fields: Mapping[str, Any]) -> list[str]:
    """The field `ids`: different ids of images.

    Raises:
        RefusedError: it is no list of strings, or too long.
    """
    ids = fields["ids"]
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids) or len(ids) > _MOST_IDS:
        raise RefusedError(400, f"ids must be a list of at most {_MOST_IDS:,} strings")
    return list(dict.fromkeys(ids))


def text_of(query: Mapping[str, str], name: str) -> str:
    """A parameter of the address.

    Raises:
        RefusedError: it is missing.
    """
    if name not in query:
        raise RefusedError(400, f"the address needs {name}=…")
    return query[name]
