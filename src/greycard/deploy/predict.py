"""Predict many images in order: threads decode the next ones while the model computes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import keras
import numpy as np

from greycard.backend.inference import Engine
from greycard.core.errors import GreycardError
from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.datasets.label_sets import names_of
from greycard.deploy.answers.answer import NONE_OF_THESE
from greycard.deploy.classifier import Classifier, NotFiniteError
from greycard.deploy.rules import NO_RULES, Rules
from greycard.deploy.sources import ImageLike, name_of
from greycard.evaluation.conformal import members

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_BATCH = 16
_AHEAD = 3 * _BATCH
_FEW = 64
"""Keras, which starts at once, predicts this many images; for more, the faster engine is worth its preparation."""


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for one image.

    Attributes:
        source: the file, or `image N` if the image has no name.
        label: the most likely class or label; "" for an unreadable image, and for a number.
        probability: the probability of `label`, calibrated on the run's validation images.
        confidence: the calibrated probability that the answer is right: that of `label`; of several labels, that of the
            one that is predicted least surely: p if the image has it, 1 - p if not.
        probabilities: class name to probability, in the run's order of classes.
        error: why the image could not be read, or None.
        labels: the labels that reach their thresholds, if an image can have several, in the run's order; perhaps
            none. With one class per image, that class.
        refused: whether the image is so unlike the training images that it belongs to none of the classes, or that
            its number means nothing.
        strangeness: how unlike the training images it is, 0 to 2; None if the run cannot tell.
        one_of: the classes of the prediction set, the most likely first; empty if refused, None if not asked for.
        value: the number that a regression predicts, in the unit of its labels; None for classes.
        interval: where the true number is, for most images; None without calibrated intervals, and for classes.
    """

    source: str
    label: str = ""
    probability: float = 0.0
    probabilities: dict[str, float] | None = None
    error: str | None = None
    labels: tuple[str, ...] = ()
    refused: bool = False
    strangeness: float | None = None
    one_of: tuple[str, ...] | None = None
    value: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float = 0.0

    def __repr__(self) -> str:
        if self.value is not None:
            return f"Prediction({self.source!r}, {f'{self.answer}, ' if self.refused else ''}{self.value:.6g})"
        return f"Prediction({self.source!r}, {self.error or f'{self.answer}, {self.probability:.1%}'})"

    @property
    def answer(self) -> str:
        """The label, or `none of these` for a refused image; "" for an unreadable one, and for a number."""
        return NONE_OF_THESE if self.refused else self.label

    def is_unsure(self, below: float | None) -> bool:
        """Whether it is to be reviewed: refused, or of less confidence than this; None for no review."""
        return below is not None and not self.error and (self.refused or self.confidence < below)

    def top(self, count: int) -> dict[str, float]:
        """The `count` most likely classes with their probabilities, the most likely first."""
        ranked = sorted((self.probabilities or {}).items(), key=lambda pair: -pair[1])
        return dict(ranked[:count])


def predict_images(
    classifier: Classifier, images: Iterable[ImageLike], rules: Rules = NO_RULES
) -> Iterator[Prediction]:
    """Yield a prediction for each image, in order. An unreadable image gets an `error`, and the others continue.

    Args:
        classifier: the classifier of a run.
        images: any number of images; only a few batches are in memory at a time.
        rules: what is refused, and which classes belong to a prediction set.
    """
    numbered = ((name_of(image, f"image {number}"), image) for number, image in enumerate(images))
    answered = 0
    with quiet_pillow(), thread_pool() as pool:
        decoded = map_ahead(pool, lambda item: (item[0], _decode(classifier, item[1])), numbered, _AHEAD)
        while group := list(islice(decoded, _BATCH)):
            engine = classifier.rows_at_once if answered < _FEW else classifier.rows
            answered += len(group)
            yield from _answer(engine, classifier, group, rules)


def named(source: str, row: np.ndarray, classifier: Classifier, rules: Rules = NO_RULES) -> Prediction:
    """A prediction from a row of a classifier's `rows`."""
    task, classes, reach = classifier.task, classifier.classes, classifier.reach
    strangeness = None if classifier.rejection is None else float(row[-1])
    refused = strangeness is not None and rules.limit is not None and strangeness > rules.limit
    if not task.has_classes:
        value = float(task.decide(row))
        ends = None if reach is None else reach.around(value)
        return Prediction(source, value=value, interval=ends, refused=refused, strangeness=strangeness)
    probabilities = row[: len(classes)]
    label = classes[int(task.likeliest(probabilities))]
    labels = (label,) if task.has_one_class else names_of(task.decide(probabilities), classes)
    each = {name: float(value) for name, value in zip(classes, probabilities, strict=True)}
    one_of = None if rules.least is None else () if refused else members(each, label, rules.least)
    return Prediction(
        source,
        label,
        each[label],
        each,
        labels=labels,
        refused=refused,
        strangeness=strangeness,
        one_of=one_of,
        confidence=float(task.confidence(probabilities)),
    )


def predict_numbers(model: keras.Model, numbers: float | Iterable[float]) -> list[float]:
    """A regression's predictions, one for each number.

    Raises:
        GreycardError: an input is not a finite number, or its prediction is not finite.
    """
    given = [_number(number) for number in _listed(numbers)]
    if not given:
        return []
    with np.errstate(over="ignore"):
        inputs = np.array(given, dtype=np.float32).reshape(-1, 1)
    answers = [float(value) for value in np.asarray(model.predict(inputs, verbose=0))[:, 0]]
    for number, answer in zip(given, answers, strict=True):
        if not math.isfinite(answer):
            raise GreycardError(
                f"the model's prediction for {number:g} is not finite. Received: {answer:g}",
                hint="pass numbers similar to those it was trained on",
            )
    return answers


def _listed(numbers: Any) -> list[Any]:
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        return [numbers]
    return np.ravel(numbers).tolist() if isinstance(numbers, np.ndarray) else list(numbers)


def _number(value: Any) -> float:
    given = value.item() if isinstance(value, np.generic) else value
    if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
        return float(given)
    raise GreycardError(f"expected a number. Received: {value!r}", hint="for example run.predict_numbers([3, 4])")


def _answer(
    engine: Engine, classifier: Classifier, group: Sequence[tuple[str, np.ndarray | str]], rules: Rules
) -> Iterator[Prediction]:
    good = [(name, pixels) for name, pixels in group if isinstance(pixels, np.ndarray)]
    try:
        rows = iter(engine(np.stack([pixels for _, pixels in good]))) if good else iter(())
    except NotFiniteError as error:
        raise GreycardError(f"{good[error.row][0]}: {error.args[0]}", hint=error.hint) from error
    for name, pixels in group:
        yield Prediction(name, error=pixels) if isinstance(pixels, str) else named(name, next(rows), classifier, rules)


def _decode(classifier: Classifier, image: ImageLike) -> np.ndarray | str:
    try:
        return classifier.decode(image)
    except UnreadableImageError as error:
        return str(error)
