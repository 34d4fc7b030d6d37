"""A run's classifier ready to answer: images decoded by the run's own recipe, probabilities calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from greycard.backend.inference import Engine, by_keras, fastest
from greycard.core.errors import GreycardError, command
from greycard.deploy.sources import ImageLike, source_of
from greycard.models.calibrated import calibrated_model
from greycard.models.finite import RETRAIN
from greycard.models.model import Model
from greycard.models.saved import load_model
from greycard.pipeline.decode import decode
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.tasks.task import Task


class NotFiniteError(GreycardError):
    """A model answered an image with NaN or infinity.

    Attributes:
        row: the first such image's, of those that were asked about together.
    """

    def __init__(self, message: str, hint: str, row: int = 0) -> None:
        super().__init__(message, hint)
        self.row = row


@dataclass(frozen=True)
class Classifier:
    """What answers for a run; every answer is finite, or it raises NotFiniteError.

    Attributes:
        name: the run's.
        recipe: the run's, for size and channels.
        task: the run's; has classes.
        classes: the run's label names.
        model: uint8 images in, the calibrated probability of every class out.
        trained: the model as it was trained, with its parts; its outputs are what the run kept.
    """

    name: str
    recipe: Recipe
    task: Task
    classes: tuple[str, ...]
    model: keras.Model
    trained: Model

    @property
    def at_once(self) -> Engine:
        """Images to probabilities float32 (n, classes), without a warm-up."""
        return self._finite(by_keras(self.model))

    @property
    def original(self) -> Engine:
        """Images to the trained network's own outputs, as they were before calibration."""
        return self._finite(by_keras(self.trained.network))

    @cached_property
    def engine(self) -> Engine:
        """The fastest way to the same probabilities; takes some seconds to prepare, once."""
        return self._finite(fastest(self.model))

    def _finite(self, engine: Engine) -> Engine:
        def answer(images: np.ndarray) -> np.ndarray:
            rows = engine(images)
            good = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
            if not good.all():
                raise NotFiniteError(
                    f"{self.name} has no answer: its probabilities are NaN or infinite", RETRAIN, int(good.argmin())
                )
            return rows

        return answer

    def decode(self, image: ImageLike) -> np.ndarray:
        """An image as the model takes it, uint8 (height, width, channels); UnreadableImageError if it is none."""
        assert self.recipe.data.image_size is not None
        return decode(source_of(image), self.recipe.data.image_size, self.recipe.data.channels)


def classifier_of(run: RunRecord, model: Model) -> Classifier:
    """What answers for a run with its model loaded; GreycardError for a regression."""
    if not run.task.has_classes:
        raise GreycardError(
            f"{run.path} answers with numbers, not classes",
            hint=f"`{command('predict', run.path, 7)}`, or run.predict_numbers([7])",
        )
    calibrated = calibrated_model(model, run.task, run.temperature)
    return Classifier(run.name, run.recipe, run.task, run.classes, calibrated, model)


def model_of(run: RunRecord) -> Model:
    """The model of a finished run; GreycardError where it is missing or damaged, or has NaN in its weights."""
    if not run.model_path.is_file():
        run.expect_finished()
    return load_model(run.path)
