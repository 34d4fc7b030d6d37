"""What every request passes before a route sees it: bounds on size, time and number, the token, the headers."""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.metrics import Metrics

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: what is guarded.
        limits: the bounds.
        metrics: told of every request.
        token: asked of the API and the metrics, where there is one.
        paths: the application's own, so that a stranger's are not counted one by one.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics, token: str | None, paths: set[str]) -> None:
        self._app, self._limits, self._metrics, self._token, self._paths = app, limits, metrics, token, paths
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun, answer = time.perf_counter(), _Answer(send)
        self._in_work += 1
        self._metrics.in_work.set(self._in_work)
        try:
            self._expect_welcome(scope)
            await self._app(scope, _bounded(receive, self._limits), answer)
        except RefusedError as error:
            if not answer.status:
                await _refusal(error)(scope, receive, answer)
        finally:
            self._in_work -= 1
            self._count(scope["path"], answer.status, time.perf_counter() - begun)
        return None

    def _expect_welcome(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["path"].startswith(("/api/", "/metrics")):
            self._expect_token(headers)
        if self._in_work > self._limits.requests and scope["path"] != "/health":
            raise RefusedError(503, f"{self._limits.requests} requests are in work; come again in a second")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limits.body_bytes:
            raise _too_large(self._limits)

    def _expect_token(self, headers: Headers) -> None:
        if self._token is None:
            return
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise RefusedError(401, "this server asks for a token: Authorization: Bearer …")

    def _count(self, path: str, status: int, seconds: float) -> None:
        self._metrics.in_work.set(self._in_work)
        self._metrics.requests.labels(path if path in self._paths else "other", str(status)).inc()
        if path == "/api/predict" and status == 200:
            self._metrics.seconds.observe(seconds)


class _Answer:
    """`send`, with the safe headers added and the status remembered."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message).update(_HEADERS)
        await self._send(message)


def _bounded(receive: Receive, limits: Limits) -> Receive:
    """`receive` that gives up on a body that is too large or too slow."""
    received = 0
    deadline = time.monotonic() + limits.seconds
    whole = False

    async def bounded() -> Message:
        nonlocal received, whole
        if whole:  # what comes now is the client's hanging up, which may take its time
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(deadline - time.monotonic(), 0.001))
        except TimeoutError as error:
            raise RefusedError(408, f"the request took longer than {limits.seconds:g} seconds to arrive") from error
        received += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if received > limits.body_bytes:
            raise _too_large(limits)
        return message

    return bounded


def _too_large(limits: Limits) -> RefusedError:
    return RefusedError(413, f"the request is too large; expected at most {limits.body_bytes / 1e6:.0f} MB")


def _refusal(error: RefusedError) -> JSONResponse:
    more: dict[str, Any] = {"Retry-After": "1"} if error.status == 503 else {}
    if error.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if error.status in (408, 413):
        more["Connection"] = "close"  # the rest of its body is not waited for
    return JSONResponse({"error": error.message}, error.status, headers=more)
