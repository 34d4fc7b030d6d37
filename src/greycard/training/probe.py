"""Prepare the training of a probe: the features of all versions of the images, and what its epochs do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from greycard.backend.inference import rounded_precision
from greycard.backend.precision import FLOAT32
from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.models.probe import extractors
from greycard.models.views import views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.recipe.model import ProbeConfig
from greycard.training.features import BATCH, FrozenFeatures, ViewFeatureLoader, backbone_identity
from greycard.training.fine_tuning import TunedProbe, inner_validation, set_schedule, with_tuned_layers
from greycard.training.probe_fit import Features, ProbeFit, groups_of
from greycard.training.setup import Loaders, Saved, TrainSetup


def with_probe(setup: TrainSetup, reporter: Reporter, clock: Clock) -> TrainSetup:
    """A setup whose first epoch fits the head on cached features; with fine-tuning, the others train other layers, too.

    Args:
        setup: of a recipe with a probe.
        reporter: shows the progress of the features, which take most of the time, and of the fit.
        clock: measures the time of the features.
    """
    config, train, groups = setup.recipe.model, setup.arrays.train, groups_of(setup)
    assert isinstance(config, ProbeConfig)
    parts = zip(extractors(setup.model), setup.recipe.backbones, setup.weights, strict=True)
    extractions = [FrozenFeatures(bottom, backbone_identity(part, file)) for bottom, part, file in parts]
    if config.fine_tune:
        out = inner_validation(train.labels, groups, setup.recipe.training.seed)
        with clock("features"):
            features = _features(extractions, setup, train, "training", reporter)
            tuned = with_tuned_layers(setup, config.fine_tune, out, reporter)
            set_schedule(tuned)
        return replace(tuned, head_fit=TunedProbe(tuned, ProbeFit(setup, features, ~out, groups, reporter), out))
    with clock("features"):
        features = _features(extractions, setup, train, "training", reporter, rounded_precision())
        val = _features(extractions, setup, setup.arrays.validation, "validation", reporter)
    fit = ProbeFit(setup, features, np.ones(len(train), bool), groups, reporter)
    setup.task.compile(fit.network, setup.model.network.optimizer)
    batch = max(BATCH, setup.recipe.training.val_batch_size)
    loaders = Loaders(ViewFeatureLoader(features, batch), ViewFeatureLoader(val, batch))
    saved = Saved(setup.saved.model, fit.network, loaders.validation, loaders.train)
    return replace(setup, network=fit.network, loaders=loaders, saved=saved, head_fit=fit)


def _features(
    extractions: list[FrozenFeatures],
    setup: TrainSetup,
    split: ArraySplit,
    what: str,
    reporter: Reporter,
    precision: str = FLOAT32,
) -> Features:
    """Those of validation must be exact, because they measure the saved model."""
    views = views_of(setup.recipe.prediction)
    count = reporter.progress(f"features of {what} images", len(views) * len(extractions) * len(split))
    if precision != FLOAT32:
        reporter.log(f"features of {what} images in {precision} (OpenVINO)")
    return [[each.of(split, count, view, precision) for each in extractions] for view in views]
