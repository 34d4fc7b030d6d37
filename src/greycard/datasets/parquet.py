"""Parquet in the Hugging Face image layout: a column of encoded images, one of labels, and shards named by split."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.datasets.roles import Role, role_of
from greycard.datasets.source import survey_source
from greycard.datasets.survey import Survey

PARQUET_ENDINGS = (".parquet",)

_EXTRA = 'pip install "greycard[parquet]"'
IMAGES = ("image", "img", "images", "picture", "photo", "jpg", "png", "bytes")
_LABELS = ("label", "labels", "class", "class_label", "category", "target", "fine_label", "answer")
_UNLABELLED = (None, -1)
"""Label of test images without published labels in Hugging Face datasets."""


def holds_parquet(folder: Path) -> bool:
    """Whether a folder, or `data/` in it, has Parquet files."""
    return bool(_shards(folder))


def survey_parquet(place: Path, *, val_fraction: float = 0.2, split_seed: int = 0, task: str | None = None) -> Survey:
    """The dataset in a Parquet file or a folder of them.

    Raises:
        GreycardError: pyarrow is not installed, a file is damaged, or its columns or labels are invalid.
    """
    if find_spec("pyarrow") is None:
        raise GreycardError(f"{place} is a Parquet file, but pyarrow is not installed", hint=_EXTRA)
    source = ParquetImages(place)
    found = survey_source(source, place, val_fraction=val_fraction, split_seed=split_seed, task=task)
    return source.with_notes(found)


@dataclass(frozen=True)
class _Row:
    """Where one image is: its shard, its row group there and its row in the group."""

    shard: int
    group: int
    row: int


class ParquetImages:
    """A `Source` of the images in Parquet files.

    Args:
        place: a file, or a folder with files that are named by split, such as `train-00000-of-00001.parquet`.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.name = place.resolve().stem if place.is_file() else place.resolve().name
        self._shards = [_Shard(path) for path in ([place] if place.is_file() else _shards(place))]
        self._rows: list[_Row] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self._sides: list[Role | None] = []
        self.unlabelled = 0
        for number, shard in enumerate(self._shards):
            self._list(number, shard)
        if len(set(self.ids)) < len(self.ids):
            self.ids = [f"{self._shards[each.shard].path.stem}/{n}" for n, each in enumerate(self._rows)]
        self._held: tuple[tuple[int, int], list[Any]] = ((-1, -1), [])

    @property
    def splits(self) -> list[str] | None:
        """None if no shard's name states a split."""
        if None in self._sides:
            return None
        return [side.name.lower() for side in self._sides if side]

    def read(self, row: int) -> bytes | Path:
        """The encoded image, or its path if the file has only paths."""
        at = self._rows[row]
        if self._held[0] != (at.shard, at.group):
            self._held = (at.shard, at.group), self._shards[at.shard].column(at.group)
        value = self._held[1][at.row]
        content = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(content, bytes):
            return content
        path = value.get("path") if isinstance(value, dict) else None
        return self._shards[at.shard].path.parent / path if path else b""

    def with_notes(self, found: Survey) -> Survey:
        """The survey, with a note of test images without labels."""
        if not self.unlabelled:
            return found
        note = f"{self.unlabelled:,} test images in {self.place} have no labels and are not used"
        return replace(found, dataset=replace(found.dataset, notes=(*found.dataset.notes, note)))

    def _list(self, number: int, shard: _Shard) -> None:
        labels, paths = shard.labels, shard.paths
        rows = [_Row(number, group, row) for group, count in enumerate(shard.group_rows) for row in range(count)]
        for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
            if label in _UNLABELLED and shard.side is Role.TEST:
                self.unlabelled += 1
                continue
            self._rows.append(row)
            self.labels.append(shard.name_of(label, place))
            self.ids.append(paths[place] or f"{shard.path.stem}/{place}")
            self._sides.append(shard.side)


class _Shard:
    """One Parquet file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        from pyarrow import ArrowException, parquet

        self.path = path
        try:
            self._file = parquet.ParquetFile(path)
            self._schema = self._file.schema_arrow
            self.image = self._image_column()
            self.label = self._label_column()
            self.labels: list[Any] = self._file.read(columns=[self.label]).column(0).to_pylist()
        except (ArrowException, OSError, ValueError) as error:
            raise GreycardError(
                f"{path} is damaged or not a Parquet file: {str(error).splitlines()[0]}",
                hint="download it again, or remove it from the folder",
            ) from error
        words = re.split(r"[^A-Za-z]+", path.stem)
        self.side = next((role for role in map(role_of, filter(None, words)) if role), None)

    @property
    def group_rows(self) -> list[int]:
        facts = self._file.metadata
        return [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]

    @cached_property
    def paths(self) -> list[str | None]:
        """The file name of each image, if the column has it."""
        from pyarrow import types

        kind = self._schema.field(self.image).type
        if not types.is_struct(kind) or kind.get_field_index("path") < 0:
            return [None] * len(self.labels)
        found = self._file.read(columns=[f"{self.image}.path"]).column(0).to_pylist()
        return [each.get("path") if each else None for each in found]

    @cached_property
    def names(self) -> list[str] | None:
        """The class names that the file's Hugging Face metadata gives for the numbers of the label column."""
        try:
            text = (self._schema.metadata or {}).get(b"huggingface", b"{}")
            feature = json.loads(text)["info"]["features"][self.label]
            names = feature.get("names") or feature["feature"]["names"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return [str(name) for name in names]

    def column(self, group: int) -> list[Any]:
        """The images of one row group, encoded."""
        return self._file.read_row_group(group, columns=[self.image]).column(0).to_pylist()

    def name_of(self, label: Any, row: int) -> str:
        """The class of a row's label."""
        known = self.names
        if isinstance(label, str) and label.strip():
            return label.strip()
        if isinstance(label, float) and known is None:
            return f"{label:.9g}"
        if isinstance(label, bool) or not isinstance(label, int):
            why, expected = f"row {row} of {self.path} has the label {label!r}", "a number or a name for each image"
        elif known is None and label >= 0:
            return str(label)
        elif known is not None and 0 <= label < len(known):
            return known[label]
        else:
            last = f"0 to {len(known) - 1}" if known else "0 or more"
            why, expected = f"row {row} of {self.path} has the label {label}", f"{last}"
        raise GreycardError(f"{why}; expected {expected}", hint="correct the labels, or remove that row")

    def _image_column(self) -> str:
        from pyarrow import types

        def holds_images(name: str) -> bool:
            kind = self._schema.field(name).type
            if types.is_struct(kind):
                return kind.get_field_index("bytes") >= 0
            return types.is_binary(kind) or types.is_large_binary(kind)

        names = sorted(filter(holds_images, self._schema.names), key=lambda name: name.lower() not in IMAGES)
        if names and (len(names) == 1 or names[0].lower() in IMAGES):
            return names[0]
        raise self._without("images: a column `image` with the bytes of image files")

    def _label_column(self) -> str:
        named = [name for wanted in _LABELS for name in self._schema.names if name.lower() == wanted]
        others = [name for name in self._schema.names if name != self.image]
        if named or len(others) == 1:
            return (named or others)[0]
        raise self._without("labels: a column `label` of numbers or names")

    def _without(self, what: str) -> GreycardError:
        received = ", ".join(f"{field.name} ({field.type})" for field in self._schema)
        return GreycardError(
            f"{self.path} has no column of {what}. Received columns: {received[:200]}",
            hint="rename the columns to image and label",
        )


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
