"""The page's address for a phone in the same network, as a QR code, and whether another page has changed the folder."""

from __future__ import annotations

from urllib.parse import quote

import segno
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.studio.context import Context

_SCALE = 10
"""Pixels of one module of the code."""


def phone_routes(context: Context, host: str | None, token: str | None) -> list[Route]:
    """Routes that tell the page what a phone opens, and whether another page has changed the folder.

    Args:
        context: the user's folders.
        host: this machine's address in its network; None if phones are not asked for.
        token: what the phone's requests need.
    """

    async def show(request: Request) -> JSONResponse:
        if host is None:
            return JSONResponse({"address": None, "code": None})
        address = phone_address(host, request.scope["server"][1], token)
        return JSONResponse({"address": address, "code": segno.make_qr(address).svg_data_uri(scale=_SCALE)})

    async def changes(request: Request) -> JSONResponse:
        return JSONResponse({"changes": context.images.changes})

    return [Route("/api/phone", show), Route("/api/changes", changes)]


def phone_address(host: str, port: int, token: str | None) -> str:
    """The address that a phone opens; the page reads the token from it, and does not send that part."""
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{port}/#token={quote(token or '', safe='')}"
