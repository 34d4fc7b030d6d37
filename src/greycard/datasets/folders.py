"""A folder of labelled images: labels from directory names, an existing or new split, and a list of bad files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.datasets.dataset import Dataset, SplitMethod
from greycard.datasets.file_facts import ReadFacts, scan_files
from greycard.datasets.layouts import find_layout
from greycard.datasets.parts import Layout, part_notes, some
from greycard.datasets.scan import Scan, others_note, scan
from greycard.datasets.splits import stratified_split
from greycard.datasets.strangers import with_strangers
from greycard.datasets.survey import Survey


def load_folder(folder: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Dataset:
    """The dataset in a folder of images, its labels from directory names.

    `train/`, `validation/` and `test/` (also `val`, `training_set` and the like) are used unchanged; without
    `validation/`, `test/` is the validation split. One level of class folders is split (stratified).
    Images that cannot be read are left out and named in
    `Dataset.left_out`; files that are not images are counted in `Dataset.notes`.

    Args:
        folder: the folder.
        val_fraction: share of each class for validation, if the folder has no split.
        split_seed: random seed of that split; the file names matter, too.

    Raises:
        GreycardError: no such folder, no images, fewer than two classes, or an empty class.
    """
    return survey_folder(folder, val_fraction=val_fraction, split_seed=split_seed).expect_trainable()


def survey_folder(
    folder: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0, read: ReadFacts = scan_files
) -> Survey:
    """Like `load_folder`, but reports problems instead of raising them.

    Args:
        read: reads the facts of files; all other arguments are those of `load_folder`.

    Raises:
        GreycardError: no such folder.
    """
    root = as_path(folder, "a folder")
    layout = find_layout(root)
    found = survey_layout(
        layout, root, root.resolve().name, val_fraction=val_fraction, split_seed=split_seed, read=read
    )
    return replace(found, dataset=replace(found.dataset, origin=root))


def load_layout(layout: Layout, root: Path, name: str, *, val_fraction: float, split_seed: int) -> Dataset:
    """The dataset of a layout; ids are paths relative to `root`. Raises as `load_folder` does."""
    return survey_layout(layout, root, name, val_fraction=val_fraction, split_seed=split_seed).expect_trainable()


def survey_layout(
    layout: Layout, root: Path, name: str, *, val_fraction: float, split_seed: int, read: ReadFacts = scan_files
) -> Survey:
    """The images of a layout, and the problems that prevent training."""
    train = scan(layout.train, root, read)
    validation = scan(layout.validation, root, read) if layout.validation else None
    test = scan(layout.test, root, read) if layout.test else None
    parts = tuple(part for part in (train, validation, test) if part)
    problems = [layout.problem] if layout.problem else _problems(train, validation, test)
    classes = tuple(sorted({name for part in parts for name in part.classes}))
    whole, method = train.split(classes), SplitMethod()
    if validation is not None:
        splits = whole, validation.split(classes)
    elif problems:  # there may be no images to split
        splits = whole, whole.take([])
    else:
        rows = stratified_split(whole.labels, val_fraction, split_seed)
        splits, method = (whole.take(rows[0]), whole.take(rows[1])), SplitMethod(val_fraction, split_seed)
    notes = (*layout.notes, *_notes(parts))
    left_out = tuple(item for part in parts for item in part.left_out)
    found = Dataset(name, classes, *splits, left_out=left_out, notes=notes, sizes=train.sizes, split=method)
    whole_set = replace(found, test=test.split(classes) if test else None)
    return with_strangers(Survey(whole_set, tuple(problems)), layout.strangers, root, read)


def _problems(train: Scan, validation: Scan | None, test: Scan | None) -> list[GreycardError]:
    if validation is None:
        return train.problems(at_least=2)
    differ = _differences(train, validation)
    return [*differ, *train.problems(at_least=1), *validation.problems(at_least=1), *_test_problems(train, test)]


def _test_problems(train: Scan, test: Scan | None) -> list[GreycardError]:
    """The test images may lack a class, but must not have an additional one."""
    if test is None:
        return []
    unknown = sorted(set(test.classes) - set(train.classes))
    return [_lacking(test, train, unknown)] if unknown else test.problems(at_least=0) if not test.paths else []


def _notes(parts: tuple[Scan, ...]) -> list[str]:
    others = [path for part in parts for path in part.others]
    return [note for part in parts for note in (*part_notes(part.part), *part.notes())] + others_note(others)


def _differences(train: Scan, validation: Scan) -> list[GreycardError]:
    """Classes that one of the two splits lacks, as one error for each split."""
    pairs = ((train, validation), (validation, train))
    return [
        _lacking(side, other, missing)
        for side, other in pairs
        if (missing := sorted(set(side.classes) - set(other.classes)))
    ]


def _lacking(side: Scan, other: Scan, missing: list[str]) -> GreycardError:
    places = side.part.place, other.part.place
    alike = [(a, b) for a in missing for b in other.classes if a.casefold().strip() == b.casefold().strip()]
    spelling = f"; {alike[0][0]!r} and {alike[0][1]!r} differ only in spelling" if alike else ""
    return GreycardError(
        f"the classes of {places[0]} and {places[1]} differ: {some(missing)} is in {places[0].name}/ but not in"
        f" {places[1].name}/{spelling}; expected the same class folders in both",
        hint=f"rename, add or remove folders; {places[1].name}/ has {some(list(other.classes))}",
    )
