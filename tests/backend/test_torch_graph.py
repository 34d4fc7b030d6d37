"""What a GPU records computes what the CPU computes; here without a GPU, with PyTorch's numbers on the CPU."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from greycard.backend.torch_graph import NumbersOnGpu, RecordedStep  # noqa: E402

pytestmark = pytest.mark.small_project


class _Graph:
    """Stands for CUDA's graph.


    Attributes:
        replays: how often it was replayed.
    """

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1


class _Stream:
    def wait_stream(self, other: object) -> None:
        pass


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> list[_Graph]:
    """CUDA's streams and graphs without a GPU; the graphs that were made."""
    made: list[_Graph] = []

    def graph() -> _Graph:
        made.append(_Graph())
        return made[-1]

    def nothing(*arguments: object) -> AbstractContextManager[None]:
        return nullcontext()

    monkeypatch.setattr(torch.cuda, "Stream", _Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", _Stream)
    monkeypatch.setattr(torch.cuda, "stream", nothing)
    monkeypatch.setattr(torch.cuda, "graph", nothing)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", graph)
    return made


def test_a_step_is_recorded_once_after_three_steps(cuda: list[_Graph]) -> None:
    seen: list[float] = []
    recorded = RecordedStep(lambda images, targets: seen.append(float(images[0] + targets[0])))
    for number in range(3):
        recorded(torch.tensor([1.0 * number]), torch.tensor([10.0]))
    assert seen == [10.0, 11.0, 12.0]
    for number in (3, 4):
        recorded(torch.tensor([1.0 * number]), torch.tensor([20.0]))
        assert [float(each) for each in recorded._inputs] == [number, 20.0]
    assert len(seen) == 4  # the recording, which computes nothing on a GPU
    assert [each.replays for each in cuda] == [2]


def test_a_step_that_cannot_be_recorded_is_done_as_it_is(cuda: list[_Graph]) -> None:
    seen: list[float] = []

    def step(images: Any, targets: Any) -> None:
        if len(seen) == 3 and cuda and not recorded._replay and recorded._done == 4 and not failed:
            failed.append(True)
            raise RuntimeError("operation not permitted when stream is capturing")
        seen.append(float(images[0]))

    failed: list[bool] = []
    recorded = RecordedStep(step)
    for number in range(6):
        recorded(torch.tensor([1.0 * number]), torch.tensor([0.0]))
    assert seen == [0, 1, 2, 3, 4, 5]
    assert failed
    assert [each.replays for each in cuda] == [0]


def test_numbers_become_tensors_without_a_copy_and_factors_stay_tensors() -> None:
    rate, weights, more = torch.tensor(0.5), [torch.ones(2)], [torch.full((2,), 4.0)]
    with NumbersOnGpu():
        number = torch.as_tensor(3, dtype=torch.float64)
        torch._foreach_add_(weights, more, alpha=-rate)
        torch._foreach_add_(weights, more, alpha=2)
    assert (number.dtype, float(number)) == (torch.float64, 3.0)
    assert weights[0].tolist() == [7.0, 7.0]
