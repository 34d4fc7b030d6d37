"""The scores of each class and the most common confusions as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len

from greycard.evaluation.scores import ClassScores, Scores
from greycard.reports.escapes import one_line

_SHOWN = 12
_CONFUSIONS = 5


def classes_lines(scores: Scores) -> list[str]:
    """One line for each class (lowest recall first if there are many), then confusions and calibration."""
    classes = scores.classes
    ranked = sorted(classes, key=lambda each: each.recall if each.recall is not None else 2.0)
    shown = classes if len(classes) <= _SHOWN else ranked[:_SHOWN]
    width = max(cell_len("class"), *(cell_len(one_line(each.name)) for each in shown))
    lines = [f"  {'class':<{width}}  precision  recall      F1  images"]
    lines += [_class_line(each, width) for each in shown]
    if len(shown) < len(classes):
        lines.append(f"  … and {len(classes) - len(shown)} classes with a higher recall")
    return [*lines, *_confusions(scores), f"  {_trust(scores)}"]


def _class_line(each: ClassScores, width: int) -> str:
    precision, recall, f1 = map(_percent, (each.precision, each.recall, each.f1))
    name = one_line(each.name)
    space = " " * (width - cell_len(name))
    return f"  {name}{space}  {precision:>9}  {recall:>6}  {f1:>6}  {each.support:>6,}"


def _confusions(scores: Scores) -> list[str]:
    names = [one_line(each.name) for each in scores.classes]
    matrix = np.array(scores.confusion)
    np.fill_diagonal(matrix, 0)
    order: Sequence[int] = np.argsort(-matrix, axis=None, kind="stable")[:_CONFUSIONS].tolist()
    found = [(*divmod(place, len(names)), int(matrix.flat[place])) for place in order if matrix.flat[place]]
    if not found:
        return []
    words = ", ".join(f"{names[true]} as {names[guessed]} {count}×" for true, guessed, count in found)
    return [f"  confused: {words}"]


def _trust(scores: Scores) -> str:
    """Log loss, AUC and calibration in one line."""
    calibration = scores.calibration
    if calibration is None:
        return "its probabilities are NaN"
    scaled = f" ({100 * calibration.error_after_scaling:.1f} at temperature {calibration.temperature:.2f})"
    auc = "" if scores.roc_auc is None else f"ROC AUC {scores.roc_auc:.4f}, "
    return (
        f"{auc}log loss {scores.log_loss:.4f}, calibration error {100 * calibration.error:.1f} points"
        f"{scaled if calibration.scaling_helps else ''}"
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
