"""Fit a probe: a logistic regression per backbone on the features of all versions of the training images.

The standardisation of the features becomes a part of the head's weights, so the head is one plain dense layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np

from greycard.audit.duplicates import find_pairs
from greycard.audit.group_split import group_numbers
from greycard.audit.thumbnails import load_thumbnails
from greycard.backend.inference import by_keras
from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.models.probe import extractors
from greycard.models.views import VIEWS, head_of_views
from greycard.pipeline.array_split import ArraySplit
from greycard.training.features import BATCH, FrozenFeatures, ViewFeatureLoader, backbone_identity
from greycard.training.logistic import Linear, fit_logistic
from greycard.training.regularisation import choose_strength
from greycard.training.setup import HeadFit, Loaders, Saved, TrainSetup

_MOST_ALIGNED = 1_000
"""As for the split: the maximum number of pairs that are compared for crops."""


def with_probe(setup: TrainSetup, reporter: Reporter, clock: Clock) -> TrainSetup:
    """A setup whose only epoch fits the head on cached features.

    Args:
        setup: of a recipe with a probe.
        reporter: shows the progress of the features, which take most of the time, and of the fit.
        clock: measures the time of the features.
    """
    arrays, views = setup.arrays, VIEWS[setup.recipe.prediction.views]
    with clock("features"):
        parts = zip(extractors(setup.model), setup.recipe.backbones, setup.weights, strict=True)
        features = [FrozenFeatures(bottom, backbone_identity(part, file)) for bottom, part, file in parts]
        train, val = (
            _versions(features, split, setup, reporter.progress(f"features of {what} images", count * len(split)))
            for what, split, count in (
                ("training", arrays.train, len(views) * len(features)),
                ("validation", arrays.validation, len(views) * len(features)),
            )
        )
    network = head_of_views(setup.model, len(views))
    setup.task.compile(network, setup.model.network.optimizer)
    loaders = [ViewFeatureLoader(each, max(BATCH, setup.recipe.training.val_batch_size)) for each in (train, val)]
    return replace(
        setup,
        network=network,
        loaders=Loaders(*loaders),
        saved=Saved(setup.saved.model, network, loaders[1], loaders[0]),
        fit_head=_fit(setup, train, loaders[0], network, reporter),
    )


def _versions(
    features: Sequence[FrozenFeatures], split: ArraySplit, setup: TrainSetup, count: Callable[[int], None]
) -> list[list[ArraySplit]]:
    """For each version of the images its features, one array per backbone."""
    return [[each.of(split, count, view) for each in features] for view in VIEWS[setup.recipe.prediction.views]]


def _fit(
    setup: TrainSetup,
    versions: list[list[ArraySplit]],
    loader: ViewFeatureLoader,
    network: keras.Model,
    reporter: Reporter,
) -> HeadFit:
    def fit_head(on_step: Callable[[], object]) -> dict[str, float]:
        with reporter.status("fitting the probe"):
            fits = fit_probe(setup, versions, on_step, reporter)
        set_head(setup, fits)
        engine = by_keras(network)
        outputs = np.concatenate([engine(batch) for batch, _ in loader.epoch(0)])
        return setup.task.measure(loader.split.labels, outputs)

    return fit_head


def fit_probe(
    setup: TrainSetup, versions: list[list[ArraySplit]], on_step: Callable[[], object], reporter: Reporter
) -> list[Linear]:
    """Choose the regularisation and fit, for each backbone.

    Args:
        setup: of a recipe with a probe.
        versions: for each version of the training images its features, one array per backbone.
        on_step: called after every step; an exception ends the fit.
        reporter: logs the regularisation that was chosen.
    """
    labels, units, groups = setup.arrays.train.labels, setup.task.units, _groups(setup)
    fits = []
    for number, backbone in enumerate(setup.recipe.backbones):
        features = [parts[number].images for parts in versions]
        choice = choose_strength(
            features, labels, units, groups=groups, seed=setup.recipe.training.seed, on_step=on_step
        )
        fits.append(fit_logistic(features, labels, units, choice.strength, on_step=on_step)[0])
        how = "by cross-validation" if choice.losses else "without cross-validation: each class has only one image"
        reporter.log(f"probe of {backbone.backbone}: regularisation C = {choice.strength:.2g}, {how}")
    return fits


def set_head(setup: TrainSetup, fits: Sequence[Linear]) -> None:
    """Set the head's weights so that its logits are the mean of all fits."""
    weights = np.concatenate([fit.weights for fit in fits]) / len(fits)
    bias = np.mean([fit.bias for fit in fits], axis=0)
    setup.model.head.set_weights([weights.astype(np.float32), bias.astype(np.float32)])


def _groups(setup: TrainSetup) -> np.ndarray | None:
    """The group of each training image if the split keeps duplicates together; None without groups."""
    if not setup.recipe.data.group_duplicates:
        return None
    empty = setup.dataset.validation.take(np.arange(0))
    data = replace(setup.dataset, validation=empty, test=None)
    thumbnails = load_thumbnails(data)
    pairs = find_pairs(thumbnails, data, most_aligned=_MOST_ALIGNED)
    group_of = dict(zip(thumbnails.ids, group_numbers(thumbnails.ids, pairs, None).tolist(), strict=True))
    alone = len(thumbnails)
    return np.array([group_of.get(id, alone + row) for row, id in enumerate(setup.arrays.train.ids)])
