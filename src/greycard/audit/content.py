"""Findings about image content and labels: duplicates and their effect, near-empty images, imbalance, shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from greycard.audit.duplicates import Pair, grouped, surest_pairs
from greycard.audit.files import file_finding, near_empty_remarks
from greycard.audit.finding import Finding
from greycard.audit.label_errors import LabelErrors
from greycard.audit.limits import SHIFTED, UNEQUAL
from greycard.audit.shift import find_shift, sample
from greycard.audit.thumbnails import Thumbnails
from greycard.core.records import to_json


def duplicate_findings(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> list[Finding]:
    """Findings for pairs across the splits, pairs with different labels (a pair can be both), and the others."""
    to_test = [pair for pair in pairs if thumbnails.in_test[pair.first] != thumbnails.in_test[pair.second]]
    across = [
        pair
        for pair in pairs
        if pair not in to_test and thumbnails.in_validation[pair.first] != thumbnails.in_validation[pair.second]
    ]
    conflict = [pair for pair in pairs if thumbnails.differ(pair.first, pair.second)]
    reported = {*across, *to_test, *conflict}
    inside = [pair for pair in pairs if pair not in reported]
    leaks = _leakage(thumbnails, across), _test_leakage(thumbnails, to_test)
    found = (*leaks, _conflicts(thumbnails, conflict), _inside(thumbnails, inside))
    return [finding for finding in found if finding]


def _leakage(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    leaked = {row for pair in pairs for row in (pair.first, pair.second) if thumbnails.in_validation[row]}
    whole = int(thumbnails.in_validation.sum())
    return Finding(
        "leakage",
        f"{len(leaked):,} of {whole:,} validation images are also in training: {_how(pairs)}",
        "`greycard split FOLDER` keeps equal images on one side",
        *_images(thumbnails, pairs),
        {"validation_images": len(leaked), "pairs": len(pairs)},
    )


def _test_leakage(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    met: dict[str, set[int]] = {"training": set(), "validation": set()}
    for pair in pairs:
        test, other = sorted((pair.first, pair.second), key=lambda row: not thumbnails.in_test[row])
        met["validation" if thumbnails.in_validation[other] else "training"].add(test)
    where = " and ".join(f"{len(rows):,} in {name}" for name, rows in met.items() if rows)
    leaked, whole = set.union(*met.values()), int(thumbnails.in_test.sum())
    return Finding(
        "leakage",
        f"{len(leaked):,} of {whole:,} test images are also in another split ({where}): {_how(pairs)}",
        "remove them from training and validation, or from test",
        *_images(thumbnails, pairs),
        {"test_images": len(leaked), "pairs": len(pairs)},
    )


def _conflicts(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    return Finding(
        "conflicting labels",
        f"equal images with different labels: {_how(pairs)}",
        "decide which label is right and remove the other image",
        *_images(thumbnails, pairs),
        {"pairs": len(pairs)},
    )


def _inside(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    return repeated(pairs, grouped(pairs), *_images(thumbnails, pairs), " in one split")


def repeated(
    pairs: Sequence[Pair],
    groups: Sequence[Sequence[int]],
    ids: Sequence[tuple[str, ...]],
    details: Sequence[str],
    where: str = "",
) -> Finding:
    """The finding about images that are there more than once.

    Args:
        pairs: at least one.
        groups: the rows that they connect.
        ids: those of the groups, or of the first ones.
        details: of the same groups.
        where: the images are, in words.
    """
    spare = sum(len(rows) - 1 for rows in groups)
    return Finding(
        "duplicates",
        f"{_count(spare, 'image')} repeated{where}: {_how(pairs)}",
        "remove all but one, unless they are intended; in training, duplicates only count more",
        ids,
        details,
        {"images": spare, "pairs": len(pairs)},
        len(groups),
    )


def _how(pairs: Iterable[Pair]) -> str:
    """`3 pairs the same file, 1 pair nearly the same`."""
    return ", ".join(f"{_count(count, 'pair')} {how}" for how, count in Counter(pair.words for pair in pairs).items())


def _images(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Groups of ids, the most certain first, and for each how its first pair is the same."""
    groups, surest = grouped(pairs), surest_pairs(pairs)
    ids = [tuple(thumbnails.ids[row] for row in rows) for rows in groups]
    return ids, [surest[rows[0]].words for rows in groups]


def near_empty(thumbnails: Thumbnails) -> Finding | None:
    side = min(thumbnails.colour.shape[1:3])
    spread = np.array([thumbnails.grey(side, [row]).std() for row in range(len(thumbnails))])
    order = np.argsort(spread, kind="stable")
    remarks = near_empty_remarks([thumbnails.ids[row] for row in order], spread[order].tolist())
    return file_finding(remarks, len(remarks), "image") if remarks else None


def imbalance(thumbnails: Thumbnails, classes: Sequence[str]) -> Finding | None:
    if len(classes) < 2:
        return None
    counts = np.bincount(thumbnails.labels[thumbnails.in_train], minlength=len(classes))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] <= UNEQUAL * counts[least]:
        return None
    return Finding(
        "imbalance",
        f"class {classes[most]!r} has {counts[most]:,} training images, {classes[least]!r} only {counts[least]:,}",
        "add images of the small classes; judge a model by each class's recall (`greycard show RUN`)",
        figures={name: int(count) for name, count in zip(classes, counts, strict=True)},
    )


def shift(thumbnails: Thumbnails) -> Finding | None:
    sides = (np.flatnonzero(side) for side in (thumbnails.in_train, thumbnails.in_validation))
    found = find_shift(*(thumbnails.colour[sample(rows)] for rows in sides))
    if found is None or found.low <= SHIFTED:
        return None
    return Finding(
        "shift",
        f"a classifier separates training and validation images with an AUC of {found.auc:.3f} ({found.low:.3f} to"
        f" {found.high:.3f}), mostly by {found.features[0]}, {found.features[1]}",
        "mix both and split again (`greycard split FOLDER`), or add training images similar to those of validation",
        figures=to_json(found),
    )


def suspected(thumbnails: Thumbnails, classes: Sequence[str], label_errors: LabelErrors | None) -> Finding | None:
    if label_errors is None or not len(label_errors.rows):
        return None
    count = len(label_errors.rows)
    return Finding(
        "suspected labels",
        f"{_count(count, 'image')} {'looks' if count == 1 else 'look'} like another class: their ten nearest"
        f" neighbours agree on it, and this vote is correct for {100 * label_errors.accuracy:.1f} % of all images",
        "review them, and move those that are in the wrong folder",
        [(thumbnails.ids[row],) for row in label_errors.rows],
        [
            f"labelled {classes[thumbnails.labels[row]]}, looks like {classes[instead]}"
            for row, instead in zip(label_errors.rows, label_errors.instead, strict=True)
        ],
        {"accuracy": label_errors.accuracy, "instead": [classes[instead] for instead in label_errors.instead]},
    )


def _count(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
