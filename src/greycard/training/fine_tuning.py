"""Fine-tune a probe: after its fit, train the last block or all layers, and average the weights before and after.

The average is WiSE-FT: Wortsman et al., "Robust fine-tuning of zero-shot models" (2022). Its share is chosen on
training images that neither the fit nor the tuning uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import keras
import numpy as np

from greycard.backend.inference import by_keras
from greycard.core.randomness import ORDER, generator
from greycard.core.reporter import Reporter
from greycard.datasets.strata import strata
from greycard.models.schedules import learning_rate
from greycard.models.tuning import LAST, split_below_tuned
from greycard.models.views import head_of_views, views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.pipeline.sampling import balanced_order
from greycard.pipeline.targets import SoftTargets
from greycard.tasks.task import Task
from greycard.training.features import FrozenFeatures, ViewFeatureLoader, backbone_identity
from greycard.training.probe_fit import ProbeFit, head_weights
from greycard.training.regularisation import deal_folds
from greycard.training.setup import Loaders, Saved, TrainSetup
from greycard.training.targets import soft_targets

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The weights that are compared: this share of the tuned ones, and the rest of the probe's."""

_UNDECIDED = 0.5
"""The share if no training image can be left out."""

_INNER_FOLDS = 10
"""One of so many parts of the training images chooses the share."""

_MAP_BATCH = 64
"""Feature maps per batch when the saved model is measured."""


class TuningLoader(Loader):
    """Training batches of some of the images, from versions of them that are used in turn, one per epoch.

    Args:
        versions: images, or feature maps of several versions of the same images.
        rows: the images to train on.
        batch_size: images per batch.
        seed: of the order and the augmentation.
        augmentation: of images; None for unchanged images, and for feature maps.
        targets: as for `Loader`.
        balanced: as for `Loader`.
    """

    def __init__(
        self,
        versions: Sequence[ArraySplit],
        rows: np.ndarray,
        batch_size: int,
        *,
        seed: int,
        augmentation: Augmentation | None = None,
        targets: SoftTargets | None = None,
        balanced: bool = False,
    ) -> None:
        super().__init__(
            versions[0],
            batch_size,
            shuffle=True,
            seed=seed,
            augmentation=augmentation,
            targets=targets,
            balanced=balanced,
        )
        self._versions, self._rows = versions, rows
        self._order = lru_cache(maxsize=2)(self._draw_rows)

    @property
    def _count(self) -> int:
        return len(self._rows)

    def images(self, epoch: int) -> np.ndarray:
        return self._versions[epoch % len(self._versions)].images

    def _draw_rows(self, epoch: int) -> np.ndarray:
        random = generator(ORDER, self.seed, epoch)
        if self._balanced:
            return self._rows[balanced_order(self.split.labels[self._rows], random)]
        return random.permutation(self._rows)


def inner_validation(labels: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """The training images that choose the share, bool (n,): a tenth of each class, or of small and large numbers;
    whole groups."""
    together = np.arange(len(labels)) if groups is None else groups
    return deal_folds(strata(labels), together, _INNER_FOLDS, seed) == 0


def with_tuned_layers(setup: TrainSetup, part: str, out: np.ndarray, reporter: Reporter) -> TrainSetup:
    """A setup that trains the layers to tune: the whole model on images, or its last block on cached feature maps.

    Args:
        setup: of a probe whose layers to tune are trainable.
        part: `last` or `all`.
        out: the training images to leave out, bool (n,).
        reporter: shows the progress of the feature maps.
    """
    if part != LAST:
        train = _tuning_loader(setup, [setup.arrays.train], out, setup.recipe.augmentation)
        return replace(setup, loaders=replace(setup.loaders, train=train))
    tuned, views = split_below_tuned(setup.model), views_of(setup.recipe.prediction)
    identity = {**backbone_identity(setup.recipe.backbones[0], setup.weights[0]), "below": LAST}
    maps = FrozenFeatures(tuned.bottom, identity)
    count = reporter.progress("feature maps", len(views) * (len(setup.arrays.train) + len(setup.arrays.validation)))
    seen, val = (
        [maps.of(split, count, view) for view in views] for split in (setup.arrays.train, setup.arrays.validation)
    )
    network = tuned.top.network
    setup.task.compile(network, setup.model.network.optimizer, soft_targets=setup.recipe.soft_targets)
    whole = head_of_views(tuned.top, network.inputs[0], len(views))
    measured = (ViewFeatureLoader([[each] for each in split], _MAP_BATCH) for split in (val, seen))
    return replace(
        setup,
        network=network,
        loaders=Loaders(
            _tuning_loader(setup, seen, out),
            Loader(val[0], prediction_batch(val[0], setup.recipe.training.val_batch_size)),
        ),
        saved=Saved(setup.saved.model, whole, *measured),
    )


def set_schedule(setup: TrainSetup) -> None:
    """End the schedule with the last training step: the first epoch has none, and some images are left out."""
    if setup.recipe.schedule.changes:
        steps = (setup.recipe.training.epochs - 1) * len(setup.loaders.train)
        setup.network.optimizer.learning_rate = learning_rate(setup.recipe, max(1, steps))


def _tuning_loader(
    setup: TrainSetup, versions: Sequence[ArraySplit], out: np.ndarray, augmentation: Augmentation | None = None
) -> TuningLoader:
    """The training batches of the images that are not left out, with the recipe's targets."""
    recipe, rows = setup.recipe, np.flatnonzero(~out)
    return TuningLoader(
        versions,
        rows,
        recipe.training.batch_size,
        seed=recipe.training.seed,
        augmentation=augmentation,
        targets=soft_targets(recipe, versions[0].labels[rows], setup.task.classes),
        balanced=recipe.loss.balance == "sampling",
    )


class TunedProbe:
    """A `HeadFit` that fits the probe and, in the end, averages its weights with the tuned ones.

    Args:
        setup: trains the tuned layers; its model has the pretrained weights.
        probe: the fit of the head.
        out: the training images that choose the share, bool (n,).
    """

    def __init__(self, setup: TrainSetup, probe: ProbeFit, out: np.ndarray) -> None:
        self._setup, self._probe, self._out = setup, probe, np.flatnonzero(out)
        self._weights = setup.network.trainable_variables
        self._before = [np.array(keras.ops.convert_to_numpy(each)) for each in self._weights]

    def fit(self, on_step: Callable[[], object]) -> dict[str, float]:
        return self._probe.fit(on_step)

    def finish(self) -> str | None:
        """Set the weights to the best average; a resumed run solves the probe again, with the same result."""
        after = [np.array(keras.ops.convert_to_numpy(each)) for each in self._weights]
        before = self._probe_weights()
        if not all(np.isfinite(each).all() for each in after):
            self._set(before, before, 0.0)
            return "the weights are those before fine-tuning, which led to NaN or infinity"
        if all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
            return None
        losses = {share: self._loss(before, after, share) for share in SHARES} if len(self._out) else {}
        share = min(losses, key=losses.__getitem__, default=_UNDECIDED)
        self._set(before, after, share)
        how = f"chosen on {len(self._out):,} training images that were left out" if losses else "not chosen"
        return f"the weights are {share:.0%} those after fine-tuning and {1 - share:.0%} those before, {how}"

    def _probe_weights(self) -> list[np.ndarray]:
        head = dict(
            zip(map(id, self._setup.model.head.weights), head_weights(self._probe.solve(_nothing)), strict=True)
        )
        return [head.get(id(each), value) for each, value in zip(self._weights, self._before, strict=True)]

    def _loss(self, before: list[np.ndarray], after: list[np.ndarray], share: float) -> float:
        self._set(before, after, share)
        engine, split, out = by_keras(self._setup.network), self._setup.loaders.train.split, self._out
        batches = (out[start : start + _MAP_BATCH] for start in range(0, len(out), _MAP_BATCH))
        outputs = np.concatenate([engine(split.images[rows]) for rows in batches])
        balanced = self._setup.recipe.loss.balance != "none"
        return mean_loss(self._setup.task, split.labels[out], outputs, balanced=balanced)

    def _set(self, before: list[np.ndarray], after: list[np.ndarray], share: float) -> None:
        for weight, one, other in zip(self._weights, before, after, strict=True):
            weight.assign((1 - share) * one + share * other)


def mean_loss(task: Task, labels: np.ndarray, outputs: np.ndarray, *, balanced: bool) -> float:
    """The mean loss over all images, or over the means of the classes that there are.

    Args:
        task: measures the loss.
        labels: (n,).
        outputs: float (n, units).
        balanced: True if each class counts the same, however many images it has.
    """
    kinds = strata(labels)
    groups = [kinds == kind for kind in np.unique(kinds)] if balanced else [np.full(len(labels), True)]
    return float(np.mean([task.measure(labels[group], outputs[group])["loss"] for group in groups]))


def _nothing() -> None:
    """A step that nobody waits for."""
