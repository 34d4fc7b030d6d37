"""The server itself: its socket, its patience with slow senders, its graceful end."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.models import Served
from greycard.errors import GreycardError, GreycardWarning

_CONNECTIONS = 256
_GRACE_SECONDS = 10
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error": "the request took too long to arrive"}'
)


def serve(
    models: Mapping[str, Served], host: str, port: int, token: str | None, on_ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; requests in work are finished first.

    Args:
        models: by name.
        host: the address to listen on.
        port: 0 for any free one.
        token: asked of the API, where there is one.
        on_ready: told the address, once it listens.

    Raises:
        GreycardError: the address or port cannot be had.
    """
    if not _is_local(host) and not token:
        note = f"everyone who reaches {host} can ask these models; --token asks them for a word first"
        warnings.warn(note, GreycardWarning, stacklevel=2)
    with _listen(host, port) as listener:
        _serve_on(listener, models, host, token, on_ready)


def _serve_on(
    listener: socket.socket,
    models: Mapping[str, Served],
    host: str,
    token: str | None,
    on_ready: Callable[[str], None],
) -> None:
    limits = Limits()
    hosts = [host, "localhost", "127.0.0.1"] if _is_local(host) else None
    config = uvicorn.Config(
        make_app(models, limits=limits, token=token, hosts=hosts),
        http=_patient_for(limits.seconds),
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    shown = f"[{host}]" if ":" in host else host
    on_ready(f"http://{shown}:{listener.getsockname()[1]}/")
    with _signals_end_here():
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _signals_end_here() -> Iterator[None]:
    """uvicorn ends gracefully on a signal and then raises it again, for whoever called; here that is nobody."""
    before = {kind: signal.signal(kind, lambda *_: None) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _is_local(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GreycardError(f"cannot listen on {host}:{port}: {reason}", hint="--port 0 takes any free port") from error
    listener.setblocking(False)
    return listener


def _patient_for(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, with an end to its patience for a request's head; it has one between requests only."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait_for_a_head()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait_for_a_head()

        def _wait_for_a_head(self) -> None:
            self.loop.call_later(seconds, self._expect_progress, self.cycle)

        def _expect_progress(self, before: Any) -> None:
            if self.cycle is before and not self.transport.is_closing():
                self.transport.write(_TOO_SLOW)
                self.transport.close()

    return Impatient
