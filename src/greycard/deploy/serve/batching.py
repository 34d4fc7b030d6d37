"""Dynamic batching: images that arrive while the model is busy form the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from greycard.backend.inference import Engine


class Batcher:
    """Serves concurrent requests with one model. No request waits to fill a batch: a batch is all waiting images.

    Args:
        engine: takes images and returns probabilities; it is called from one thread only.
        most: the maximum number of images in a batch.
        on_batch: called with the size of each batch.
    """

    def __init__(self, engine: Engine, most: int, on_batch: Callable[[int], None] = lambda size: None) -> None:
        self._engine, self._most, self._on_batch = engine, most, on_batch
        self._waiting: deque[tuple[np.ndarray, asyncio.Future[np.ndarray]]] = deque()
        self._thread = ThreadPoolExecutor(1)
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities float32 (classes,) of an image uint8 (height, width, channels)."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[np.ndarray] = loop.create_future()
        self._waiting.append((pixels, answer))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            batch = [(pixels, answer) for pixels, answer in batch if not answer.cancelled()]
            if batch:
                await self._answer(batch)

    async def _answer(self, batch: list[tuple[np.ndarray, asyncio.Future[np.ndarray]]]) -> None:
        self._on_batch(len(batch))
        pixels = [each for each, _ in batch]
        try:
            rows = await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, pixels)
        except Exception as error:
            if len(batch) > 1:  # one bad image must not make the others fail
                for each in batch:
                    await self._answer([each])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, answer), row in zip(batch, rows, strict=True):
            if not answer.done():
                answer.set_result(row)

    def _predict(self, pixels: list[np.ndarray]) -> np.ndarray:
        return self._engine(np.stack(pixels))
