"""The exchange of a group over sockets: a hub in the process of the command, and a link to it in each worker.

The hub waits for a message of each worker and answers all of them: with the sum of their arrays, or with all contents.
So each worker sends and receives the gradient once a step. The messages are bytes that nobody unpickles; both sides
prove that they have the key of the group before the first one.
"""

from __future__ import annotations

import secrets
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge, wait
from types import TracebackType

import numpy as np

from greycard.backend.tree import tree_sum
from greycard.core.errors import GreycardError

_SUM, _ALL, SAID, BEGUN, _END = b"sum:", b"all:", b"said", b"run:", b"end:"
"""The kinds of messages, four bytes each, so that the numbers after them are aligned."""

_KIND = len(_SUM)

Hear = Callable[[bytes, str], None]
"""Called with `SAID` and a line for the user, or with `BEGUN` and the run's folder."""


_SECONDS_TO_GREET = 10


class LostWorkerError(GreycardError):
    """Another worker of the group has ended; training continues when the group is started again."""


class Hub:
    """Serves the workers of one group in a thread of its own, until all of them have ended or one is lost.

    Args:
        workers: how many.
        host: the address of this machine at which they reach it.
        hear: called in the thread.

    Attributes:
        address: host and port.
        key: the secret that workers need.
        is_complete: whether all workers have come.
    """

    def __init__(self, workers: int, host: str, hear: Hear) -> None:
        self._workers, self._hear, self._closed, self.is_complete = workers, hear, False, False
        self.key = secrets.token_bytes(32)
        self._listener = Listener((host, 0), backlog=workers)
        self.address: tuple[str, int] = (host, int(self._listener.address[1]))
        self._links: dict[int, Connection] = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the group: each worker that waits for the others raises a LostWorkerError."""
        self._closed = True
        for link in list(self._links.values()):
            _cut(link)
        with suppress(OSError):
            socket.create_connection(self.address, timeout=1).close()  # so that the thread waits for nobody
        self._thread.join(timeout=5)
        with suppress(OSError):
            self._listener.close()

    def _serve(self) -> None:
        with suppress(EOFError, OSError):
            self._accept()
            self.is_complete = True
            waiting: dict[int, bytes] = {}
            while self._links and not self._closed:
                others = {link: rank for rank, link in self._links.items() if rank not in waiting}
                for link in wait(list(others)):
                    assert isinstance(link, Connection)
                    self._take(others[link], link.recv_bytes(), waiting)
                if len(waiting) == self._workers:
                    self._answer([waiting[rank] for rank in range(self._workers)])
                    waiting.clear()
        for link in list(self._links.values()):
            _cut(link)

    def _accept(self) -> None:
        """Wait for all workers; whoever else comes is sent away."""
        while len(self._links) < self._workers and not self._closed:
            with suppress(EOFError, OSError, AuthenticationError):
                link = self._listener.accept()
                self._links[_greeted(link, self.key)] = _without_delay(link)

    def _take(self, rank: int, message: bytes, waiting: dict[int, bytes]) -> None:
        kind = message[:_KIND]
        if kind == _END:
            self._links.pop(rank).close()
        elif kind in (SAID, BEGUN):
            self._hear(kind, message[_KIND:].decode())
        else:
            waiting[rank] = message

    def _answer(self, messages: list[bytes]) -> None:
        kind, links = messages[0][:_KIND], list(self._links.values())
        if kind == _SUM:
            arrays = [np.frombuffer(each, np.float32, offset=_KIND) for each in messages]
            answers = [tree_sum(lambda rank: arrays[rank], 0, len(arrays)).tobytes()]
        else:
            answers = [each[_KIND:] for each in messages]
        for link in links:
            for answer in answers:
                link.send_bytes(answer)


class Link:
    """See `Exchange`; a worker's end of the connection. On the way out of a `with` block it says that it is done.

    Args:
        address: of the hub.
        key: the group's secret.
        rank: of this worker.
        workers: how many there are.

    Raises:
        LostWorkerError: from every method, if another worker has ended.
    """

    def __init__(self, address: tuple[str, int], key: bytes, rank: int, workers: int) -> None:
        self.rank, self.workers = rank, workers
        self._sending = threading.Lock()
        try:
            self._hub = _without_delay(Client(address, authkey=key))
            self._hub.send_bytes(rank.to_bytes(4, "big"))
        except (EOFError, OSError, AuthenticationError) as error:
            raise _lost() from error

    def total(self, values: np.ndarray) -> np.ndarray:
        self.send(_SUM, values.tobytes())
        return np.frombuffer(self._receive(), np.float32)

    def gather(self, content: bytes) -> list[bytes]:
        self.send(_ALL, content)
        return [self._receive() for _ in range(self.workers)]

    def send(self, kind: bytes, content: bytes) -> None:
        """Send a message, from any thread."""
        try:
            with self._sending:
                self._hub.send_bytes(kind + content)
        except OSError as error:
            raise _lost() from error

    def _receive(self) -> bytes:
        try:
            return self._hub.recv_bytes()
        except (EOFError, OSError) as error:
            raise _lost() from error

    def __enter__(self) -> Link:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, place: TracebackType | None) -> None:
        if kind is None:
            self.send(_END, b"")
        self._hub.close()


def _lost() -> LostWorkerError:
    return LostWorkerError("another worker of the group was lost", hint="`greycard resume RUN` continues the run")


def _greeted(link: Connection, key: bytes) -> int:
    """The rank of a worker that knows the key; it has some seconds, so that nobody keeps the others waiting."""
    try:
        _wait_at_most(link, _SECONDS_TO_GREET)
        deliver_challenge(link, key)
        answer_challenge(link, key)
        rank = int.from_bytes(link.recv_bytes(), "big")
        _wait_at_most(link, 0)
    except (EOFError, OSError, AuthenticationError):
        link.close()
        raise
    return rank


def _wait_at_most(link: Connection, seconds: int) -> None:
    """How long reading waits before it fails; 0 for as long as it takes. Windows has another form of this option."""
    if sys.platform != "win32":
        with socket.fromfd(link.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", seconds, 0))


def _without_delay(link: Connection) -> Connection:
    """Send small messages at once."""
    with socket.fromfd(link.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _cut(link: Connection) -> None:
    """End a connection in which another thread may be waiting."""
    with suppress(OSError), socket.fromfd(link.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
        same.shutdown(socket.SHUT_RDWR)
