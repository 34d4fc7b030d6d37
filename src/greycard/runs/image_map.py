"""The map of a run's validation images: a file of the run, made on request."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.run_format import SCHEMA
from greycard.runs.record import RunRecord

MAP = "map.npz"


@dataclass(frozen=True)
class ImageMap:
    """Validation images in two dimensions, by the feature vectors of the run's model.

    Attributes:
        ids: of the images.
        positions: their principal components, float32 (n, 2).
        thumbnails: the images as the model sees them, smaller: uint8 (n, height, width, channels).
        share: of the variance that the two components keep, 0 to 1.
        of: number of all validation images; the map may have a sample of them.
    """

    ids: tuple[str, ...]
    positions: np.ndarray
    thumbnails: np.ndarray
    share: float
    of: int


def write_map(run: RunRecord, found: ImageMap) -> None:
    """Write the map into the run; an earlier one is replaced."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        schema=np.int64(SCHEMA),
        ids=np.array(found.ids, dtype=np.str_),
        positions=found.positions,
        thumbnails=found.thumbnails,
        share=np.float64(found.share),
        of=np.int64(found.of),
    )
    atomic_write(run.path / MAP, stream.getvalue())


def read_map(run: RunRecord) -> ImageMap | None:
    """The map of a run; None if none was made.

    Raises:
        GreycardError: the file is damaged, or of another format.
    """
    place = run.path / MAP
    if not place.is_file():
        return None
    try:
        with place.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["schema"]) != SCHEMA:
                raise ValueError(f"expected run format {SCHEMA}")
            ids, positions, thumbnails = arrays["ids"].tolist(), arrays["positions"], arrays["thumbnails"]
            found = ImageMap(tuple(ids), positions, thumbnails, float(arrays["share"]), int(arrays["of"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(run, error) from error
    if positions.shape != (len(ids), 2) or len(thumbnails) != len(ids) or not np.isfinite(positions).all():
        raise _damaged(run, "its arrays do not fit each other")
    return found


def _damaged(run: RunRecord, error: object) -> GreycardError:
    return GreycardError(
        f"{run.path / MAP} cannot be read: {error}", hint="remove it; `greycard report RUN --map` makes it"
    )
