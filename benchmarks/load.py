"""Clients that ask a server about images as fast as it answers, each on one connection, one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Load:
    """What came of it.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: seconds of each answered request.
        errors: answers other than 200, and broken connections.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    def to_json(self) -> dict[str, float | int]:
        """Requests, requests per second, latency in milliseconds."""
        each = np.array(self.latencies) * 1000
        return {
            "requests": len(self.latencies),
            "errors": self.errors,
            "requests_per_second": len(self.latencies) / self.seconds,
            "p50_ms": float(np.percentile(each, 50)),
            "p99_ms": float(np.percentile(each, 99)),
        }


def ask(port: int, images: Sequence[bytes], clients: int, *, seconds: float = 0, requests: int = 0) -> Load:
    """So many clients at once, for some seconds or for a number of requests in all."""
    return asyncio.run(_ask(port, images, clients, seconds, requests))


async def _ask(port: int, images: Sequence[bytes], clients: int, seconds: float, requests: int) -> Load:
    load, begun = Load(), time.perf_counter()

    def more() -> bool:
        if requests:
            return len(load.latencies) + load.errors < requests
        return time.perf_counter() - begun < seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = number
        while more():
            sent = time.perf_counter()
            try:
                status = await _request(reader, writer, images[turn % len(images)])
            except (OSError, EOFError):
                status = 0
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            turn += clients
            if status == 200:
                load.latencies.append(time.perf_counter() - sent)
            else:
                load.errors += 1
        writer.close()

    await asyncio.gather(*map(client, range(clients)))
    load.seconds = time.perf_counter() - begun
    return load


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    head = "POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
    await reader.readexactly(length)
    return int(answer.split()[1])
