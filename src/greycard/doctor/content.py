"""What pictures and labels show taken together: duplicates by what they do, near-empty pictures, imbalance, shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from greycard.doctor.duplicates import Pair, grouped
from greycard.doctor.finding import Finding
from greycard.doctor.limits import SHIFTED, UNEQUAL
from greycard.doctor.looks import Looks
from greycard.doctor.shift import find_shift
from greycard.doctor.suspects import Suspects

_FLAT = 4.0
"""Standard deviation of the grey values, of 255, below which a picture shows hardly anything."""


def duplicate_findings(looks: Looks, pairs: Sequence[Pair]) -> list[Finding]:
    """Pairs across the splits and pairs with different labels, which a pair can be both of; and the others."""
    across = [pair for pair in pairs if looks.in_validation[pair.first] != looks.in_validation[pair.second]]
    conflict = [pair for pair in pairs if looks.labels[pair.first] != looks.labels[pair.second]]
    told = {*across, *conflict}
    inside = [pair for pair in pairs if pair not in told]
    found = (_leakage(looks, across), _conflicts(looks, conflict), _inside(looks, inside))
    return [finding for finding in found if finding]


def _leakage(looks: Looks, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    leaked = {row for pair in pairs for row in (pair.first, pair.second) if looks.in_validation[row]}
    whole = int(looks.in_validation.sum())
    return Finding(
        "leakage",
        f"{len(leaked):,} of {whole:,} validation pictures are in training too: {_how(pairs)}",
        "`greycard split FOLDER` keeps equal pictures on one side",
        *_pictures(looks, pairs),
        {"validation_images": len(leaked), "pairs": len(pairs)},
    )


def _conflicts(looks: Looks, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    return Finding(
        "conflicting labels",
        f"equal pictures with different labels: {_how(pairs)}",
        "decide which label is right and remove the other picture",
        *_pictures(looks, pairs),
        {"pairs": len(pairs)},
    )


def _inside(looks: Looks, pairs: Sequence[Pair]) -> Finding | None:
    if not pairs:
        return None
    spare = sum(len(rows) - 1 for rows in grouped(pairs))
    return Finding(
        "duplicates",
        f"{_count(spare, 'picture')} once too often in one split: {_how(pairs)}",
        "remove all but one where they were not meant; in training they only count more",
        *_pictures(looks, pairs),
        {"pictures": spare, "pairs": len(pairs)},
    )


def _how(pairs: Iterable[Pair]) -> str:
    """`3 pairs the same file, 1 pair nearly the same`."""
    return ", ".join(f"{_count(count, 'pair')} {how}" for how, count in Counter(pair.words for pair in pairs).items())


def _pictures(looks: Looks, pairs: Sequence[Pair]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Groups of ids, the surest first, each with how its first pair is the same."""
    surest: dict[int, str] = {}
    for pair in pairs:
        surest.setdefault(pair.first, pair.words)
        surest.setdefault(pair.second, pair.words)
    groups = grouped(pairs)
    return [tuple(looks.ids[row] for row in rows) for rows in groups], [surest[rows[0]] for rows in groups]


def near_empty(looks: Looks) -> Finding | None:
    side = min(looks.colour.shape[1:3])
    spread = np.array([looks.grey(side, [row]).std() for row in range(len(looks))])
    flat = np.flatnonzero(spread < _FLAT)
    if not len(flat):
        return None
    order = flat[np.argsort(spread[flat], kind="stable")]
    return Finding(
        "near-empty",
        f"{_count(len(flat), 'picture')} {'shows' if len(flat) == 1 else 'show'} hardly anything",
        "look at them and remove those that were not meant",
        [(looks.ids[row],) for row in order],
        [f"grey values spread by {spread[row]:.1f} of 255" for row in order],
    )


def imbalance(looks: Looks, classes: Sequence[str]) -> Finding | None:
    if len(classes) < 2:
        return None
    counts = np.bincount(looks.labels[~looks.in_validation], minlength=len(classes))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] <= UNEQUAL * counts[least]:
        return None
    return Finding(
        "imbalance",
        f"class {classes[most]!r} has {counts[most]:,} training pictures, {classes[least]!r} only {counts[least]:,}",
        "add pictures of the small classes; judge a model by each class's recall (`greycard show RUN`)",
        figures={name: int(count) for name, count in zip(classes, counts, strict=True)},
    )


def shift(looks: Looks) -> Finding | None:
    found = find_shift(looks.colour[~looks.in_validation], looks.colour[looks.in_validation])
    if found is None or found.low <= SHIFTED:
        return None
    return Finding(
        "shift",
        f"training and validation pictures are told apart with an AUC of {found.auc:.3f} ({found.low:.3f} to"
        f" {found.high:.3f}), most by {found.features[0]}, {found.features[1]}",
        "mix both parts and split again (`greycard split FOLDER`), or add training pictures like those of validation",
        figures=found.to_json(),
    )


def suspected(looks: Looks, classes: Sequence[str], suspects: Suspects | None) -> Finding | None:
    if suspects is None or not len(suspects.rows):
        return None
    count = len(suspects.rows)
    return Finding(
        "suspected labels",
        f"{_count(count, 'picture')} {'looks' if count == 1 else 'look'} like another class, as their ten nearest"
        f" neighbours have it, whose vote is right for {100 * suspects.accuracy:.1f} % of all pictures",
        "look at them, and move those that lie in the wrong folder",
        [(looks.ids[row],) for row in suspects.rows],
        [
            f"labelled {classes[looks.labels[row]]}, looks like {classes[instead]}"
            for row, instead in zip(suspects.rows, suspects.instead, strict=True)
        ],
        {"accuracy": suspects.accuracy},
    )


def _count(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
