"""Training steps that sum the gradients of a batch's parts, so that any number of workers computes the same bits.

Each part is a small batch of its own: it has its own dropout, drawn from the seed, the step and the part, and its batch
norm sees the part's images. The parts' gradients, and the changes of batch norm's statistics, are summed in a fixed
order. So nothing depends on which worker computes a part.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from greycard.backend.averaging import WeightAverage
from greycard.backend.exchange import Exchange
from greycard.backend.memory_parts import images_that_fit
from greycard.backend.objective import SUMS, Objective, restored, stored
from greycard.backend.part_computer import Layout, PartComputer
from greycard.backend.steps import as_targets
from greycard.backend.tree import part_bounds, tree_sum
from greycard.core.randomness import PARTS, generator

_MOST_SEED = 2**31 - 1


class PartSteps:
    """See `Steps`.

    Args:
        model: a compiled model that `objective.matches` accepts.
        parts: of a batch; a power of two, and a multiple of the number of workers.
        seed: of dropout.
        exchange: between the workers.
        average: of the weights, updated after every step.
    """

    steps_per_execution = 1

    def __init__(
        self, model: keras.Model, parts: int, seed: int, exchange: Exchange, average: WeightAverage | None = None
    ) -> None:
        model.optimizer.build(model.trainable_variables)
        self._layout, self._objective, self._optimizer = Layout(model), Objective.of(model), model.optimizer
        self._parts, self._seed, self._exchange = parts, seed, exchange
        self._computer = _backend_part()(model, self._layout, average)
        self._predicted_at_once = images_that_fit(model, "float32")
        self._sums = np.zeros(len(SUMS))

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        total = self._exchange.total(self.own_sum(images, labels))
        self.apply(total, len(images))

    def own_sum(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The sum over this worker's parts of a batch, float32 (n,)."""
        targets, bounds = as_targets(labels), part_bounds(len(images), self._parts)
        step = int(ops.convert_to_numpy(self._optimizer.iterations))

        def term(part: int) -> np.ndarray:
            if not len(images[bounds[part]]):
                return np.zeros(self._layout.length, np.float32)
            seed = self._reseeded(step * self._parts + part)
            found = self._computer.sums(images[bounds[part]], targets[bounds[part]], len(images), seed)
            return np.asarray(found)

        mine = self._parts // self._exchange.workers
        return tree_sum(term, self._exchange.rank * mine, mine)

    def apply(self, total: np.ndarray, images: int) -> None:
        """Do the step, with the sum over all parts of a batch with so many images."""
        self._computer.apply(total)
        loss, right = total[-2:].astype(np.float64)
        self._sums += (loss * images, right, images)

    def result(self) -> dict[str, float]:
        means = self._objective.means(self._sums)
        self.load_state({})
        return means

    def state(self) -> dict[str, float]:
        return stored(self._sums)

    def load_state(self, sums: dict[str, float]) -> None:
        self._sums = np.array(restored(sums))

    def predict(self, images: np.ndarray) -> np.ndarray:
        size = self._predicted_at_once
        return np.concatenate([self._computer.predict(images[at : at + size]) for at in range(0, len(images), size)])

    def _reseeded(self, counter: int) -> int:
        """Set the state of each seed generator for one part of one step; returns a seed for everything else."""
        draws = generator(PARTS, self._seed, counter).integers(_MOST_SEED, size=1 + 2 * len(self._layout.seeds))
        for position, state in enumerate(self._layout.seeds):
            state.assign(draws[1 + 2 * position : 3 + 2 * position].astype(state.dtype))
        return int(draws[0])


def _backend_part() -> type[PartComputer]:
    if keras.backend.backend() == "tensorflow":
        from greycard.backend.tensorflow_part import TensorFlowPart

        return TensorFlowPart
    if keras.backend.backend() == "jax":
        from greycard.backend.jax_part import JaxPart

        return JaxPart
    from greycard.backend.torch_part import TorchPart

    return TorchPart
