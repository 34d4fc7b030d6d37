"""A trained model asked about pictures: decoded by the run's own recipe, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from greycard.datasets.pictures import UnreadableImageError, quiet_pillow
from greycard.errors import GreycardError
from greycard.models.head import as_probabilities
from greycard.pipeline.decode import decode
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord

Picture = str | Path | bytes | Image.Image | np.ndarray
_BATCH = 32


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        source: the file, or `image N` for what came without a name.
        label: the likeliest class; "" for a regression or an unreadable picture.
        probability: the likeliest class's.
        probabilities: of every class, by name.
        error: why the picture could not be read, or None.
    """

    source: str
    label: str = ""
    probability: float = 0.0
    probabilities: dict[str, float] | None = None
    error: str | None = None


def load_model(record: RunRecord) -> keras.Model:
    """The run's model; nothing in the file is executed (Keras's safe mode)."""
    if not record.model_path.is_file():
        raise GreycardError(f"{record.path} has no model.keras: it is unfinished", hint="train it again")
    try:
        return keras.saving.load_model(record.model_path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged file
        raise GreycardError(f"{record.model_path} cannot be loaded: {error}", hint="train it again") from error


def predict_pictures(
    model: keras.Model, recipe: Recipe, classes: Sequence[str], pictures: Iterable[Picture]
) -> Iterator[Prediction]:
    """A prediction for each picture, in order; an unreadable one has its `error` set and stops nothing.

    Args:
        model: as `load_model` gives it.
        recipe: the run's, for size and channels.
        classes: the run's label names.
        pictures: paths, file contents, Pillow images, or uint8 arrays (height, width[, 1 or 3]).
    """
    numbered = enumerate(pictures)
    with ThreadPoolExecutor() as pool:
        while group := list(islice(numbered, _BATCH)):
            with quiet_pillow():
                decoded = list(pool.map(lambda item: _decode(item[1], recipe), group))
            outputs = iter(_outputs(model, [pixels for pixels in decoded if isinstance(pixels, np.ndarray)]))
            for (number, picture), pixels in zip(group, decoded, strict=True):
                name = str(picture) if isinstance(picture, str | Path) else f"image {number}"
                yield (
                    Prediction(name, error=pixels) if isinstance(pixels, str) else _named(name, next(outputs), classes)
                )


def predict_numbers(model: keras.Model, numbers: Sequence[float]) -> list[float]:
    """A regression's answers, one a number."""
    inputs = np.asarray(numbers, dtype=np.float32).reshape(len(numbers), -1)
    return [float(value) for value in np.asarray(model.predict(inputs, verbose=0))[:, 0]]


def decode_for(picture: Picture, recipe: Recipe) -> np.ndarray:
    """A picture as a recipe's model takes it, uint8 (height, width, channels); UnreadableImageError if it is none."""
    assert recipe.image_size is not None
    return decode(_source(picture), recipe.image_size, recipe.channels)


def _decode(picture: Picture, recipe: Recipe) -> np.ndarray | str:
    try:
        return decode_for(picture, recipe)
    except UnreadableImageError as error:
        return str(error)


def _source(picture: Picture) -> bytes | Path | Image.Image:
    if isinstance(picture, str):
        return Path(picture)
    if not isinstance(picture, np.ndarray):
        return picture
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise GreycardError(
            f"an array must be uint8 of shape (height, width[, channels]). Received: {picture.dtype} {picture.shape}"
        )
    return Image.fromarray(picture[:, :, 0] if picture.shape[2:] == (1,) else picture)


def _outputs(model: keras.Model, pixels: list[np.ndarray]) -> np.ndarray:
    if not pixels:
        return np.empty((0, 1))
    return as_probabilities(np.asarray(model.predict(np.stack(pixels), batch_size=_BATCH, verbose=0)))


def _named(source: str, row: np.ndarray, classes: Sequence[str]) -> Prediction:
    best = int(row.argmax())
    each = {name: float(value) for name, value in zip(classes, row, strict=True)}
    return Prediction(source, classes[best], float(row[best]), each)
