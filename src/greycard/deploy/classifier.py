"""A run's classifier, ready to predict: it decodes images as in the run's recipe and calibrates probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from greycard.backend.inference import Engine, by_keras, fastest
from greycard.core.errors import GreycardError, command
from greycard.deploy.sources import ImageLike, source_of
from greycard.evaluation.reach import Reach
from greycard.evaluation.rejection.stored import Stored
from greycard.models.calibrated import calibrated_model, in_one_row
from greycard.models.finite import RETRAIN
from greycard.models.model import Model
from greycard.models.saved import load_model
from greycard.pipeline.decode import decode
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.tasks.task import Task


class NotFiniteError(GreycardError):
    """A model's output for an image is NaN or infinite.

    Attributes:
        row: the row of the first such image in the batch.
    """

    def __init__(self, message: str, hint: str, row: int = 0) -> None:
        super().__init__(message, hint)
        self.row = row


@dataclass(frozen=True)
class Classifier:
    """The classifier of a run; every output is finite, or it raises NotFiniteError.

    Attributes:
        name: the run's name.
        recipe: the run's recipe, for size, channels and `data.resize`.
        task: the run's task; decides on calibrated probabilities.
        classes: the run's class names; empty for a regression.
        model: from uint8 images to the calibrated probability of every class or to the number (n, 1), and to the
            strangeness if the run refuses images.
        trained: the trained model with its parts; its outputs are not calibrated.
        temperature: by which the logits are divided in `model`.
        rejection: how unlike the training images an image may be; None if the run refuses no image.
        reach: of the prediction intervals of a regression, if there are any.
    """

    name: str
    recipe: Recipe
    task: Task
    classes: tuple[str, ...]
    model: keras.Model
    trained: Model
    temperature: float
    rejection: Stored | None = None
    reach: Reach | None = None

    @property
    def at_once(self) -> Engine:
        """Compute probabilities float32 (n, classes), or numbers (n, 1), of images, without a warm-up."""
        rows, width = self.rows_at_once, self.width
        return lambda images: rows(images)[:, :width]

    @property
    def width(self) -> int:
        """The number of probabilities, or of numbers, in a row."""
        return len(self.classes) or self.task.units

    @cached_property
    def rows_at_once(self) -> Engine:
        """As `rows`, without a warm-up."""
        return self._finite(by_keras(in_one_row(self.model)))

    @property
    def original(self) -> Engine:
        """Compute the trained network's outputs for images, before calibration."""
        return self._finite(by_keras(self.trained.network))

    @property
    def features(self) -> Engine:
        """Compute the inputs of the trained network's head, float32 (n, features), for images."""
        return self._finite(by_keras(keras.Model(self.trained.network.inputs[0], self.trained.head_input)))

    @cached_property
    def rows(self) -> Engine:
        """The fastest function from images to rows; its preparation takes some seconds, once.

        Rows are float32 (n, classes): probabilities, or (n, 1): numbers; with one more column for the strangeness, if
        the run refuses images.
        """
        return self._finite(fastest(in_one_row(self.model)))

    def _finite(self, engine: Engine) -> Engine:
        def answer(images: np.ndarray) -> np.ndarray:
            rows = engine(images)
            good = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
            if not good.all():
                raise NotFiniteError(
                    f"{self.name} cannot predict this image: its outputs are NaN or infinite",
                    RETRAIN,
                    int(good.argmin()),
                )
            return rows

        return answer

    def decode(self, image: ImageLike) -> np.ndarray:
        """Decode an image for the model, uint8 (height, width, channels); raises UnreadableImageError if it cannot."""
        data = self.recipe.data
        assert data.image_size is not None
        return decode(source_of(image), data.image_size, data.channels, data.resize)


def classifier_of(run: RunRecord, model: Model) -> Classifier:
    """Load the classifier of a run; GreycardError for a run that takes numbers, not images."""
    if not run.recipe.data.has_images:
        raise GreycardError(
            f"{run.path} takes numbers, not images",
            hint=f"`{command('predict', run.path, 7)}`, or run.predict_numbers([7])",
        )
    stored, numbers = run.rejection, run.summary.numbers if run.finished else None
    calibrated = calibrated_model(model, run.task, run.temperature, stored.strangeness if stored else None)
    reach, temperature = numbers.reach if numbers else None, run.temperature
    task = run.calibrated_task
    return Classifier(run.name, run.recipe, task, run.classes, calibrated, model, temperature, stored, reach)


def model_of(run: RunRecord) -> Model:
    """The model of a finished run; GreycardError if it is missing, damaged, or has NaN in its weights."""
    if not run.model_path.is_file():
        run.expect_finished()
    return load_model(run.path)
