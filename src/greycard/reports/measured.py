"""A measurement on the user's own test images as text."""

from __future__ import annotations

from greycard.evaluation.intervals import wilson
from greycard.reports.classes import classes_lines
from greycard.reports.columns import figure_text, percent, span
from greycard.reports.escapes import one_line
from greycard.reports.labels import label_lines, limits_of, total_rows
from greycard.runs.measurements import Earlier, Measurement, SeenImages, measured_scores
from greycard.runs.record import RunRecord

_NAMED, _EARLIER = 5, 2
_EXACT = "all labels right"
_MEANING = "If you choose a model or a setting by these figures, the images are validation images and no longer a test"


def measurement_text(run: RunRecord, found: Measurement) -> str:
    """The measurement on one screen: accuracy, comparison with validation, notes, each class's figures."""
    rows = measurement_rows(found)
    width = max(20, *(len(name) for name, _ in rows))
    lines = [f"{found.run} on {one_line(found.data)}, {found.images:,} images:"]
    lines += [f"  {name:<{width}} {value}" for name, value in rows]
    each = (
        label_lines(found.labels, limits_of(run)) if found.labels else classes_lines(measured_scores(run, found.number))
    )
    return "\n".join([*lines, "", *each])


def measurement_rows(found: Measurement) -> list[tuple[str, str]]:
    """The facts of a measurement, each with its name."""
    share = f"{percent(found.accuracy)}, 95 % interval {span(*found.interval)}"
    rows = [*total_rows(found.labels)[:-1], (_EXACT, share)] if found.labels else [("accuracy", share)]
    seen = found.seen
    if seen is None:
        rows.append(("seen before", "unknown: the run's training images are not where they were"))
    elif seen.count:
        rows += [("seen before", _seen_sentence(seen)), ("on unseen images", _unseen(found))]
    else:
        rows.append(("seen before", f"none: no {seen.searched} in training or validation"))
    rows.append(("validation", _validation(found)))
    if found.missing:
        rows.append(("not measured", f"no images of {_some(found.missing)}"))
    if found.left_out:
        first = found.left_out[0]
        rows.append(("left out", f"{len(found.left_out):,} unreadable, such as {one_line(first.id)} ({first.reason})"))
    if found.earlier:
        rows.append(("measured before", earlier_sentence(found)))
    return rows


def _validation(found: Measurement) -> str:
    if not found.val_images:
        return "it has no images of these classes"
    which = "images of these classes" if found.missing else "images"
    return f"{_share(found, found.val_right, found.val_images)}, on {found.val_images:,} {which}; {difference(found)}"


def _share(found: Measurement, right: int, images: int) -> str:
    """The share of correct predictions, in words where it is no accuracy."""
    return f"{percent(right / images)}{'' if found.labels is None else f' with {_EXACT}'}"


def measured_line(found: Measurement) -> str:
    """A measurement in one line."""
    again = "; not the first measurement on these images" if found.earlier else ""
    seen = f"; {found.seen.count:,} of them were seen before" if found.seen and found.seen.count else ""
    labels = found.labels
    first = f"mean average precision {figure_text(labels.mean_average_precision)}; {_EXACT} " if labels else ""
    return (
        f"{first}{percent(found.accuracy)}, 95 % interval {span(*found.interval)}, on {found.images:,} images{seen},"
        f" {found.measured[:10]}; {difference(found)}{again}"
    )


def difference(found: Measurement) -> str:
    """The comparison with validation, of the images that the run has not seen before."""
    compared = found.against_validation
    if compared is None:
        return "it cannot be compared with validation"
    low, high = 100 * compared.low, 100 * compared.high
    if low > 0:
        return f"higher than on validation by {low:.1f} to {high:.1f} points"
    if high < 0:
        return f"lower than on validation by {-high:.1f} to {-low:.1f} points"
    return f"cannot be told apart from validation: between {-low:.1f} points lower and {high:.1f} higher"


def earlier_sentence(found: Measurement) -> str:
    """Which measurements used the same images, and what that means."""
    shown, more = found.earlier[-_EARLIER:], len(found.earlier) - _EARLIER
    others = f", and {more} more" if more > 0 else ""
    return f"{'; '.join(_earlier(found, each) for each in reversed(shown))}{others}. {_MEANING}"


def _earlier(found: Measurement, each: Earlier) -> str:
    shared = "all of the images" if each.images == found.images else f"{each.images:,} of the images"
    when = each.measured[:16].replace("T", " ")
    return f"{shared} by {each.run} on {when} UTC ({_share(found, each.right, each.of)})"


def _seen_sentence(seen: SeenImages) -> str:
    counts = [(seen.train, "training"), (seen.validation, "validation")]
    parts = " and ".join(f"{count:,} in {where}" for count, where in counts if count)
    pair = f", such as {' and '.join(map(one_line, dict.fromkeys(seen.example)))}" if seen.example else ""
    return f"{parts} ({seen.searched}{pair})"


def _unseen(found: Measurement) -> str:
    right, images = found.unseen
    if not images:
        return "there are none: this measurement says nothing about new images"
    return f"{_share(found, right, images)}, 95 % interval {span(*wilson(right, images))}, on {images:,} images"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(one_line, names[:_NAMED])) + more
