"""Checks on every request before its route runs: limits on size, time and number, the token, the headers."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
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


@dataclass(frozen=True)
class AccessRules:
    """Which requests are accepted.

    Attributes:
        paths: the paths of the application; the metrics count all other paths as one.
        token: required for the API and the metrics; None for no token.
        hosts: accepted host names; empty for all.
    """

    paths: Collection[str]
    token: str | None = None
    hosts: Collection[str] = ()

    def expect(self, path: str, headers: Headers) -> None:
        """Raise a RefusedError for a request that is not accepted."""
        host = headers.get("host", "")
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        if self.hosts and name not in self.hosts:
            raise RefusedError(400, f"this server accepts only the host names {' and '.join(sorted(self.hosts))}")
        if headers.get("sec-fetch-site") == "cross-site" and path != "/":
            raise RefusedError(403, "this server does not accept requests from pages of other sites")
        if self.token is not None and path.startswith(("/api/", "/metrics")):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                raise RefusedError(401, "this server requires a token: Authorization: Bearer …")


class LimitsMiddleware:
    """ASGI middleware around the whole application.

    Args:
        app: the protected application.
        limits: limits on size, time and number of requests.
        metrics: counts every request.
        access: which requests are accepted.
        bodies: other limits on the size of a body and the time for it, by path.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        metrics: Metrics,
        access: AccessRules,
        bodies: Mapping[str, Limits] = MappingProxyType({}),
    ) -> None:
        self._app, self._limits, self._metrics, self._access, self._bodies = app, limits, metrics, access, bodies
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun, answer = time.perf_counter(), _Answer(send, self._limits.seconds)
        self._in_work += 1
        self._metrics.in_work.set(self._in_work)
        try:
            await self._let_in(scope, receive, answer)
        except (ClientDisconnect, TimeoutError):  # the client is gone: no response is possible
            pass
        finally:
            self._in_work -= 1
            self._count(scope["path"], answer.status, time.perf_counter() - begun)
        return None

    async def _let_in(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        limits = self._bodies.get(scope["path"], self._limits)
        body = _Body(receive, limits)
        try:
            self._expect_access(scope, limits)
            await self._app(scope, body, answer)
        except (ClientDisconnect, TimeoutError):
            raise
        except RefusedError as error:
            if error.status == 413:
                await body.let_pass()  # a client that is still sending does not read the response
            await _refusal(error)(scope, receive, answer)
        except Exception:
            logging.getLogger("greycard.serve").exception("a request failed")
            if not answer.status:
                await JSONResponse({"error": "the server failed"}, 500)(scope, receive, answer)

    def _expect_access(self, scope: Scope, limits: Limits) -> None:
        headers = Headers(scope=scope)
        self._access.expect(scope["path"], headers)
        if self._in_work > self._limits.requests and scope["path"] != "/health":
            raise RefusedError(503, f"{self._limits.requests} requests are in progress; try again in a second")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length[:18]) > limits.body_bytes:
            raise _too_large(limits)

    def _count(self, path: str, status: int, seconds: float) -> None:
        self._metrics.in_work.set(self._in_work)
        known = path if path in self._access.paths else "other"
        self._metrics.requests.labels(known, str(status) if status else "disconnected").inc()
        if path == "/api/predict" and status == 200:
            self._metrics.seconds.observe(seconds)


class _Answer:
    """A `send` that adds security headers and stores the status; a client that does not read loses the response."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send, self._seconds, self.status = send, seconds, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await asyncio.wait_for(self._send(message), self._seconds)


class _Body:
    """A `receive` that rejects a body that is too large or too slow."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._deadline = time.monotonic() + limits.seconds
        self._received, self._whole = 0, False

    async def __call__(self) -> Message:
        if self._whole:  # the body is complete: now only the client's disconnect can arrive, at any time
            return await self._receive()
        message = await self._next()
        if self._received > self._limits.body_bytes:
            raise _too_large(self._limits)
        return message

    async def let_pass(self) -> None:
        """Read and discard the rest of the body, up to four times the limit."""
        while not self._whole and self._received < 4 * self._limits.body_bytes:
            await self._next()

    async def _next(self) -> Message:
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - time.monotonic(), 0.001))
        except TimeoutError as error:
            seconds = self._limits.seconds
            raise RefusedError(408, f"the request took longer than {seconds:g} seconds to arrive") from error
        self._received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message


def _too_large(limits: Limits) -> RefusedError:
    return RefusedError(413, f"the request is too large; expected at most {limits.body_bytes / 1e6:.0f} MB")


def _refusal(error: RefusedError) -> JSONResponse:
    more: dict[str, Any] = {"Retry-After": "1"} if error.status == 503 else {}
    if error.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if error.status in (408, 413):
        more["Connection"] = "close"  # do not wait for the rest of its body
    return JSONResponse({"error": error.message}, error.status, headers=more)
