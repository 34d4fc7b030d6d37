"""Detect the classes and the split of an image folder from folder names and contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.datasets.inside import class_name, has_images, is_empty, loose_images
from greycard.datasets.nested import descend, find_nested, find_sibling_parts, holds_split
from greycard.datasets.parts import SHAPE, Layout, Part, candidates, everything_in, part_of, some, strangers_in
from greycard.datasets.roles import Role, role_of

_FIRST = {
    **dict.fromkeys((".gz", ".bz2", ".xz", ".7z", ".rar"), "unpack it and name the folder"),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".txt"), "save it as CSV with the columns path,label"),
}
"""Hints for a file that is not a supported dataset, by extension."""

_HELD = (Role.VALIDATION, Role.TEST)
_AS_TABLE = "or list them in a CSV file with the columns path,label"


def find_layout(root: Path) -> Layout:
    """The class folders of a user's folder; a split folder is never used as a class.

    Raises:
        GreycardError: there is no such folder.
    """
    if not root.is_dir():
        raise _no_folder(root)
    place = descend(root)
    found = _layout_in(place)
    found = replace(found, strangers=strangers_in(place, found.train.place, root))
    if place == root:
        return found
    note = f"{place} is used: no other folder in {root} has images"
    return replace(found, notes=(note, *found.notes))


def _layout_in(place: Path) -> Layout:
    inside = candidates(place)
    roles = {folder: role_of(folder.name) for folder in inside}
    train = next((each for each in inside if roles[each] is Role.TRAIN and candidates(each)), None)
    if train is not None:
        return _with_train(place, train, inside, roles)
    own = [folder for folder in inside if holds_split(folder)]
    classes = [folder for folder in inside if folder not in own]
    problem = _no_training_part(place, roles) or _own_datasets(place, own, classes)
    if problem is not None:
        return Layout(everything_in(place), None, problem=problem)
    notes = tuple(f"{each.name}/ in {place} is a separate dataset, not a class, and is not used" for each in own)
    found = find_nested(place, classes) or find_sibling_parts(place, classes) or _of_classes(place, classes, roles)
    return replace(found, notes=(*notes, *found.notes))


def _with_train(place: Path, train: Path, inside: Sequence[Path], roles: Mapping[Path, Role | None]) -> Layout:
    part = part_of(descend(train))
    held = [each for role in _HELD for each in inside if roles[each] is role]
    usable = [each for each in held if _has_labels(each, set(part.folders))]
    unused = [each for each in inside if each != train and each not in held and has_images(each)]
    notes = [f"{each.name}/ is next to the training folder, not in it, and is not used" for each in unused]
    notes += [_unused(each, place) for each in held if each not in usable]
    if usable:
        test = _third(usable, roles)
        spare = [each for each in usable[1:] if each != test]
        notes += [f"{each.name}/ is not used; validation uses {usable[0].name}/" for each in spare]
        return Layout(part, part_of(descend(usable[0])), tuple(notes), test=_test_part(test))
    lacks = (
        f"there is no validation/ next to {train.name}/" if not held else "there are no validation images with labels"
    )
    return Layout(part, None, (*notes, f"{lacks}, so a part of {train.name}/ is split off"))


def _third(held: Sequence[Path], roles: Mapping[Path, Role | None]) -> Path | None:
    """The folder of test images, if there is also a validation folder."""
    if not held or roles[held[0]] is not Role.VALIDATION:
        return None
    return next((each for each in held if roles[each] is Role.TEST), None)


def _test_part(folder: Path | None) -> Part | None:
    return None if folder is None else part_of(descend(folder))


def _has_labels(held: Path, classes: set[str]) -> bool:
    """Whether a split has images in class folders; in many datasets a single other folder holds images
    without published labels."""
    names = {class_name(child) for child in candidates(descend(held))}
    return has_images(held) and (len(names) > 1 or bool(names & classes))


def _unused(held: Path, place: Path) -> str:
    if is_empty(held):
        return f"{held.name}/ in {place} is empty"
    if not has_images(held):
        return f"{held.name}/ in {place} has no images"
    return f"{held.name}/ in {place} has images outside class folders, without labels; they are not used"


def _of_classes(place: Path, inside: Sequence[Path], roles: Mapping[Path, Role | None]) -> Layout:
    """One folder for each class, to be split; a split folder among them is used as a split or ignored."""
    held = [each for role in _HELD for each in inside if roles[each] is role and not _is_quality(each)]
    classes = [each for each in inside if each not in held]
    names = {class_name(each) for each in classes}
    if not inside:
        problem = _without_classes(place) if loose_images(place) else None
        return Layout(everything_in(place), None, problem=problem)
    if len(classes) < 2 or not held:
        return Layout(part_of(place, [(each.name, each) for each in inside]), None)
    train = part_of(place, [(each.name, each) for each in classes])
    usable = [each for each in held if names & {class_name(child) for child in candidates(each)}]
    test = _third(usable, roles)
    unused = tuple(
        f"{each.name}/ in {place} is not used: its name means a split, not a class; rename it if it is a class"
        for each in held
        if each not in (*usable[:1], test)
    )
    validation = part_of(descend(usable[0])) if usable else None
    return Layout(train, validation, unused, test=_test_part(test))


def _is_quality(folder: Path) -> bool:
    """`valid` next to `invalid` and `unclear` is a normal class, unless it has class folders."""
    return folder.name.casefold() == "valid" and not candidates(folder)


def _no_training_part(place: Path, roles: Mapping[Path, Role | None]) -> GreycardError | None:
    """The error for split folders without a usable training folder; they must never become classes."""
    train = next((each for each, role in roles.items() if role is Role.TRAIN), None)
    parts = [each.name for each, role in roles.items() if role]
    if train is None:
        only_parts = parts and len(parts) == len(roles)
        return _missing_train(place, parts) if only_parts else None
    if len(parts) == 1 and len(roles) > 1:
        return None  # a class with the name train, for example
    if not has_images(train):
        return GreycardError(f"{train} has no images; {SHAPE}", hint=f"put a folder for each class into {train}")
    return _without_classes(train)


def _missing_train(place: Path, parts: Sequence[str]) -> GreycardError:
    return GreycardError(
        f"{place} has {some(parts)} and no train/ with class folders; {SHAPE}",
        hint=f"call the folder of training images {place / 'train'}",
    )


def _without_classes(folder: Path) -> GreycardError:
    loose = [path.name for path in loose_images(folder)]
    return GreycardError(
        f"the images in {folder} ({some(loose, 3)}) are not in class folders, so their labels are unknown; {SHAPE}",
        hint=f"make a folder for each class in {folder} and move its images there, {_AS_TABLE}",
    )


def _own_datasets(place: Path, own: Sequence[Path], classes: Sequence[Path]) -> GreycardError | None:
    if not own or len([each for each in classes if has_images(each)]) > 1:
        return None
    return GreycardError(
        f"{place} is the parent folder of the dataset: {some([str(each.relative_to(place)) for each in own])} in it"
        " has train/ and class folders",
        hint=f"name that folder: `{command('train', own[0])}`",
    )


def _no_folder(root: Path) -> GreycardError:
    if root.exists():
        first = _FIRST.get(root.suffix.lower(), f"name its folder, {root.parent}, or a CSV file with path,label")
        return GreycardError(f"{root} is a file; {SHAPE}", hint=first)
    return GreycardError(f"{root} does not exist; {SHAPE}", hint=f"`{command('sample', root)}` renders a folder to try")
