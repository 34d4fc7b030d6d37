"""A training step on an NVIDIA GPU, recorded once as a CUDA graph and replayed.

A step of a small network is some hundred kernels of a few microseconds each; Python needs many times longer to start
them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_WARM_UP = 3
"""Steps before the recording: libraries choose their kernels and allocate their workspaces in them."""

Step = Callable[[Any, Any], None]


class RecordedStep:
    """Does what `step` does, for arrays of one shape; every number that changes must be in a tensor that stays.

    Args:
        step: of images and targets on the GPU. It may read and write other tensors in place.
    """

    def __init__(self, step: Step) -> None:
        self._step, self._done, self._stream = step, 0, torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Any, ...] = ()

    def __call__(self, *inputs: Any) -> None:
        if self._done >= _WARM_UP:
            self._replay(inputs)
            return
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            self._step(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        self._done += 1

    def _replay(self, inputs: tuple[Any, ...]) -> None:
        if self._graph is None:
            self._inputs, graph = tuple(map(torch.empty_like, inputs)), torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph), _NumbersOnGpu():
                self._step(*self._inputs)
            self._graph = graph
        for ours, given in zip(self._inputs, inputs, strict=True):
            ours.copy_(given)
        self._graph.replay()


class _NumbersOnGpu(TorchFunctionMode):
    """Inside this block, Python's numbers become tensors without a copy from the CPU, which cannot be recorded."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.as_tensor and isinstance(args[0], bool | int | float):
            return torch.full((), args[0], **kwargs)
        return function(*args, **kwargs)
