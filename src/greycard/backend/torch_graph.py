"""A training step on an NVIDIA GPU, recorded once as a CUDA graph and replayed.

A step of a small network is some hundred kernels of a few microseconds each; Python needs many times longer to start
them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_WARM_UP = 3
"""Steps before the recording: libraries choose their kernels and allocate their workspaces in them."""

Step = Callable[[Any, Any], None]


class RecordedStep:
    """Does what `step` does, for arrays of one shape; every number that changes must be in a tensor that stays.

    A step that cannot be recorded is done as it is.

    Args:
        step: of images and targets on the GPU. It may read and write other tensors in place.
    """

    def __init__(self, step: Step) -> None:
        self._step, self._done, self._stream = step, 0, torch.cuda.Stream()
        self._replay: Callable[[], None] | None = None
        self._inputs: tuple[Any, ...] = ()

    def __call__(self, *inputs: Any) -> None:
        self._done += 1
        if self._done == _WARM_UP + 1:
            self._record(inputs)
        if self._replay is None:
            self._unrecorded(inputs)
            return
        for ours, given in zip(self._inputs, inputs, strict=True):
            ours.copy_(given)
        self._replay()

    def _unrecorded(self, inputs: tuple[Any, ...]) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            self._step(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)

    def _record(self, inputs: tuple[Any, ...]) -> None:
        self._inputs, graph = tuple(map(torch.empty_like, inputs)), torch.cuda.CUDAGraph()
        with suppress(RuntimeError):  # an operation that waits for the CPU
            with torch.cuda.graph(graph):
                self._step(*self._inputs)
            self._replay = graph.replay


class NumbersOnGpu(TorchFunctionMode):
    """Inside this block, operations with a Python number or a single weight's factor do not wait for the CPU.

    Keras makes tensors of Python's numbers, which are copied from the CPU, and its SGD gives the learning rate as a
    tensor where PyTorch wants a number, so that it is copied to the CPU. Neither can be recorded.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function is torch.as_tensor and isinstance(args[0], bool | int | float):
            return torch.full((), args[0], **kwargs)
        if function is torch._foreach_add_ and isinstance(kwargs.get("alpha"), torch.Tensor):
            variables, more = args
            return torch._foreach_add_(variables, torch._foreach_mul(more, kwargs["alpha"]))
        return function(*args, **kwargs)
