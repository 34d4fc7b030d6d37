"""Learn what to refuse, at the end of training: from the features that the head gets."""

from __future__ import annotations

import keras
import numpy as np

from greycard.backend.inference import by_keras
from greycard.core.randomness import BANK, generator
from greycard.core.reporter import Reporter
from greycard.evaluation.rejection.bank import NEIGHBOURS, bank_rows, fit_strangeness, is_one_class
from greycard.evaluation.rejection.promise import promised_share
from greycard.evaluation.rejection.record import (
    CLASSES,
    IMAGES,
    MOST_CALIBRATION,
    Scores,
    calibrate,
    without_own_class,
)
from greycard.evaluation.rejection.stored import Stored
from greycard.jobs.measure_test import Answers, answers_on
from greycard.models.graph import inputs_of
from greycard.models.strangeness import Strangeness
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader
from greycard.training.decode import decoded_split
from greycard.training.setup import TrainSetup

_MOST_STRANGERS = 2_000


def learned_rejection(setup: TrainSetup, test: Answers | None, reporter: Reporter) -> Stored | None:
    """Fit the score on training images, and set its limit on images that it was not fitted to.

    Test images set the limit if there are enough of them, because nothing was chosen on them; else the validation
    images do.

    Args:
        setup: of the finished training.
        test: the finished model's answers for the test images; None if there are none.
        reporter: shows the progress of reading images that belong to no class.

    Returns:
        None if the data are no images, or if features are NaN or infinite.
    """
    if setup.recipe.data.image_size is None:
        return None
    saved, seed = setup.saved, setup.recipe.training.seed
    network = keras.Model(saved.network.inputs[0], inputs_of(saved.network, saved.model.head)[0])
    bank = bank_rows(saved.unaugmented.split.labels, seed)
    rows = _some(len(saved.validation.split), MOST_CALIBRATION, seed)
    training = _features(network, saved.unaugmented, bank)
    validation = _features(network, saved.validation, rows)
    if not (np.isfinite(training).all() and np.isfinite(validation).all()):
        return None
    labels = saved.validation.split.labels[rows], saved.unaugmented.split.labels[bank]
    score = fit_strangeness(training, _neighbours(labels[1]))
    strangers, kind = _strangers(setup, score, validation, labels, reporter)
    ids = tuple(setup.arrays.validation.ids[row] for row in rows)
    found = calibrate("validation", ids, score.of(validation), strangers, kind, seed)
    if test is not None and setup.arrays.test is not None:
        found = _better(_on_test(score, setup.arrays.test, test.features, strangers, kind, seed), found)
    return Stored(score, found)


def recalibrated(stored: Stored, test: ArraySplit, features: np.ndarray, seed: int) -> Stored:
    """With the limit set on images that no choice has seen, if as small a share can be promised with them.

    Args:
        stored: with the limit set on validation images.
        test: the other images.
        features: of the other images, float (n, features).
        seed: of their order.
    """
    before = stored.scores
    found = _on_test(stored.strangeness, test, features, before.strangers, before.strangers_are, seed)
    return Stored(stored.strangeness, _better(found, before))


def _on_test(
    score: Strangeness, test: ArraySplit, features: np.ndarray, strangers: np.ndarray, kind: str, seed: int
) -> Scores | None:
    rows = _some(len(test), MOST_CALIBRATION, seed)
    if not np.isfinite(features[rows]).all():
        return None
    ids = tuple(test.ids[row] for row in rows)
    return calibrate("test", ids, score.of(features[rows]), strangers, kind, seed)


def _better(test: Scores | None, validation: Scores) -> Scores:
    """The test images, unless only a larger share could be promised with them."""
    return validation if test is None or _share(test) > _share(validation) else test


def _share(scores: Scores) -> float:
    return promised_share(len(scores.calibration)) or 1.0


def _some(count: int, most: int, seed: int) -> np.ndarray:
    """At most `most` rows, in order."""
    return np.sort(generator(BANK, seed, 2).permutation(count)[:most])


def _neighbours(labels: np.ndarray) -> int:
    """The k-th neighbour must be able to be one of the same class."""
    if not is_one_class(labels):
        return NEIGHBOURS
    return min(NEIGHBOURS, int(np.unique(labels, return_counts=True)[1].min()))


def _features(network: keras.Model, loader: Loader, rows: np.ndarray) -> np.ndarray:
    """The head's inputs for some rows of a loader's split, float32 (n, features)."""
    engine, batch = by_keras(network), loader.batch_size
    parts = (rows[start : start + batch] for start in range(0, len(rows), batch))
    return np.concatenate([engine(loader.some(part)) for part in parts])


def _strangers(
    setup: TrainSetup,
    score: Strangeness,
    features: np.ndarray,
    labels: tuple[np.ndarray, np.ndarray],
    reporter: Reporter,
) -> tuple[np.ndarray, str]:
    """The strangeness of images that belong to no class, and what they are; without any, of each class left out.

    Numbers and several labels have no classes to leave out, so there the scores may be empty.

    Args:
        setup: of the finished training.
        score: fitted on training images.
        features: of validation images.
        labels: of the validation images, and of the score's training images.
        reporter: shows progress.
    """
    given = setup.dataset.strangers
    if given is not None:
        some = given.take(_some(len(given), _MOST_STRANGERS, setup.recipe.training.seed))
        pixels = decoded_split(setup.recipe, some, "stranger", reporter)
        if len(pixels):
            found = score.of(answers_on(pixels, setup.saved.model, setup.recipe).features)
            return found[np.isfinite(found)], IMAGES
    if not is_one_class(labels[0]):
        return np.empty(0), CLASSES
    return without_own_class(score, features, *labels), CLASSES
