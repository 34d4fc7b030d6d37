"""Unusual layouts: class folders deeper down, splits inside each class, or dataset folders side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.inside import class_name, has_images, is_empty, loose_images
from greycard.datasets.parts import Layout, candidates, everything_in, part_of, some
from greycard.datasets.roles import Role, role_of, role_within

_DEEPEST = 8


def descend(root: Path) -> Path:
    """The folder of the classes, found by entering folders that contain only one folder."""
    place = root
    for _ in range(_DEEPEST):
        inner = _only_dataset_in(place)
        if inner is None:
            break
        place = inner
    return place


def holds_split(folder: Path) -> bool:
    """Whether it has a folder of training images with class folders in it."""
    return any(role_of(child.name) is Role.TRAIN and candidates(child) for child in candidates(folder))


def find_nested(place: Path, inside: Sequence[Path]) -> Layout | None:
    """The layout of `cat/train`, `cat/test`, `dog/train`, …; None if no class folder contains splits."""
    roles = {folder: {role_of(child.name): child for child in candidates(folder)} for folder in inside}
    split = [folder for folder in inside if Role.TRAIN in roles[folder] and len(set(roles[folder]) - {None}) > 1]
    full = [folder for folder in inside if has_images(folder)]
    if not split or not full:
        return None
    shared = set.intersection(*(set(roles[folder]) for folder in full))
    held = next((role for role in (Role.VALIDATION, Role.TEST) if role in shared), None)
    if held is None or Role.TRAIN not in shared:
        return Layout(everything_in(place), None, problem=_unequal(place, inside, split))
    sides = [
        part_of(place, [(folder.name, roles[folder][role]) for folder in inside if role in roles[folder]])
        for role in (Role.TRAIN, held)
    ]
    first = full[0]
    third = held is Role.VALIDATION and Role.TEST in shared
    test = part_of(place, [(folder.name, roles[folder][Role.TEST]) for folder in full]) if third else None
    used = f"{first.name}/{roles[first][Role.TRAIN].name} and {first.name}/{roles[first][held].name}"
    loose = [folder.name for folder in inside if loose_images(folder)]
    spare = [f"images directly in {some(loose)} belong to no split and are not used"] if loose else []
    notes = (f"the split inside the class folders is used, such as {used}", *spare)
    return Layout(sides[0], sides[1], notes, test=test)


def find_sibling_parts(place: Path, inside: Sequence[Path]) -> Layout | None:
    """The layout of `rps/` and `rps-test-set/` with the same class folders in both; None for anything else."""
    classes = {folder: {class_name(child) for child in candidates(folder)} for folder in inside}
    parts = [folder for folder in inside if len(classes[folder]) > 1]
    held = sorted(
        (folder for folder in parts if role_within(folder.name) in (Role.VALIDATION, Role.TEST)),
        key=lambda folder: role_within(folder.name) is Role.TEST,
    )
    if not held or len(parts) < 2 or any(classes[folder] != classes[held[0]] for folder in parts):
        return None
    train = [folder for folder in parts if folder not in held]
    if len(train) != 1:
        problem = GreycardError(
            f"{place} has {some([folder.name for folder in parts])} with the same class folders in each, so they"
            " are splits, but none of them is the training split",
            hint="call them train and validation",
        )
        return Layout(everything_in(place), None, problem=problem)
    has_third = role_within(held[0].name) is Role.VALIDATION
    test = next((each for each in held[1:] if has_third and role_within(each.name) is Role.TEST), None)
    used = [train[0].name, held[0].name, *([test.name] if test else [])]
    words = "training, validation and test" if test else "training and validation"
    note = f"{some([f'{name}/' for name in used])} have the same class folders and are used as {words}"
    return Layout(part_of(train[0]), part_of(held[0]), (note,), test=part_of(test) if test else None)


def _only_dataset_in(place: Path) -> Path | None:
    """The only subfolder with images, if it contains class folders and no images; a split folder and an empty
    class folder are not skipped."""
    inside = candidates(place)
    full = [folder for folder in inside if has_images(folder)]
    if len(full) != 1 or loose_images(place) or any(is_empty(folder) for folder in inside):
        return None
    only = full[0]
    deeper = candidates(only)
    if role_of(only.name) not in (None, role_of(place.name)) or loose_images(only):
        return None
    return only if len(deeper) > 1 or holds_split(only) or _only_dataset_in(only) else None


def _unequal(place: Path, inside: Sequence[Path], split: Sequence[Path]) -> GreycardError:
    whole = [folder.name for folder in inside if folder not in split]
    parts = [child.name for child in candidates(split[0]) if role_of(child.name)]
    return GreycardError(
        f"{split[0]} has {' and '.join(f'{part}/' for part in parts)} in it, and"
        f" {some(whole or [folder.name for folder in split[1:]])} in {place} does not have both;"
        " expected the same split folders in every class folder",
        hint="give every class folder the same split folders, or none",
    )
