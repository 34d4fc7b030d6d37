"""The server itself: its socket, its patience with slow senders, its graceful end."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.models import Served

_CONNECTIONS = 256
_GRACE_SECONDS = 10
_LOOK_SECONDS = 0.2
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error": "the request took too long to arrive"}'
)


def serve(
    models: Mapping[str, Served], host: str, port: int, token: str | None, on_ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; requests in work are finished first. A notebook's event loop is not in the way.

    Args:
        models: by name.
        host: the address to listen on.
        port: 0 for any free one.
        token: asked of the API, where there is one.
        on_ready: told the address, once it listens.

    Raises:
        GreycardError: the address or port cannot be had.
    """
    if not isinstance(host, str) or not isinstance(port, int):
        raise GreycardError(
            f"host must be a text and port a whole number. Received: {host!r} and {port!r}",
            hint="port=0 takes any free one",
        )
    if token is not None and not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
        raise GreycardError("the token is empty or has letters beyond ASCII", hint="letters, digits and signs will do")
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
    hosts = {_in_address(host), "localhost", "127.0.0.1"} if _is_local(host) else set()
    config = uvicorn.Config(
        make_app(models, limits=limits, token=token, hosts=hosts),
        http=_patient_for(limits.seconds),
        ws="none",
        log_config=None,  # whoever calls keeps their own logging
        log_level="critical",  # it would remark on everyone who hangs up; what fails, the guard tells
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    on_ready(f"http://{_in_address(host)}:{listener.getsockname()[1]}/")
    server = uvicorn.Server(config)
    if _loop_is_running():
        _run_in_thread(server, listener)
    else:
        with _signals_end_here():
            server.run(sockets=[listener])


def _loop_is_running() -> bool:
    """Whether this thread has an event loop at work, as in a notebook: a second one cannot run in it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve from another thread, and wait here until it has ended; interrupting the cell ends it gracefully."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="greycard serve", daemon=True)
    with _signals_end_here(server.handle_exit):
        thread.start()
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)  # Python calls a signal's handler between two of these


@contextmanager
def _signals_end_here(handler: Callable[[int, FrameType | None], None] = lambda *_: None) -> Iterator[None]:
    """uvicorn ends gracefully on a signal and then raises it again, for whoever called; here that is nobody.

    In other threads than the first nothing is changed: signals do not reach them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, handler) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, earlier in before.items():
            signal.signal(kind, earlier)


def _in_address(host: str) -> str:
    """A host as it stands in an address: IPv6 has brackets there."""
    return f"[{host}]" if ":" in host else host


def _is_local(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    """Named TCP in so many words: on other sockets asyncio lets small packets wait, 40 ms an answer."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(1024)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GreycardError(f"cannot listen on {host}:{port}: {reason}", hint=_elsewhere(error)) from error
    listener.setblocking(False)
    return listener


def _elsewhere(error: Exception) -> str:
    """Where it could listen instead."""
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return "--host 127.0.0.1 is this machine alone, --host 0.0.0.0 all of its addresses"
    return "--port 0 takes any free port"


def _patient_for(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, with an end to its patience for a request's head; it has one between requests only."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._look_again()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look_again()

        def _look_again(self) -> None:
            self.loop.call_later(seconds, self._expect_progress, self.cycle)

        def _expect_progress(self, before: Any) -> None:
            """No new request since, and none in work: its head is too slow, or nobody reads the last answer."""
            if self.cycle is not before or (before is not None and not before.response_complete):
                return
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            elif not self.transport.is_closing():
                self.transport.write(_TOO_SLOW)
                self.transport.close()

    return Impatient
