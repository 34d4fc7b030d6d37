"""A measurement on the user's own test images as text."""

from __future__ import annotations

from greycard.evaluation.intervals import wilson
from greycard.evaluation.scores import Scores
from greycard.reports.classes import classes_lines
from greycard.reports.columns import percent, span
from greycard.reports.escapes import one_line
from greycard.runs.measurements import Earlier, Measurement, SeenImages

_NAMED, _EARLIER = 5, 2
_MEANING = "If you choose a model or a setting by these figures, the images are validation images and no longer a test"


def measurement_text(found: Measurement, scores: Scores) -> str:
    """The measurement on one screen: accuracy, comparison with validation, notes, each class's figures."""
    lines = [f"{found.run} on {one_line(found.data)}, {found.images:,} images:"]
    lines += [f"  {name:<20} {value}" for name, value in measurement_rows(found)]
    return "\n".join([*lines, "", *classes_lines(scores)])


def measurement_rows(found: Measurement) -> list[tuple[str, str]]:
    """The facts of a measurement, each with its name."""
    rows = [("accuracy", f"{percent(found.accuracy)}, 95 % interval {span(*found.interval)}")]
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
    accuracy = percent(found.val_right / found.val_images)
    return f"{accuracy}, on {found.val_images:,} {which}; {difference(found)}"


def measured_line(found: Measurement) -> str:
    """A measurement in one line."""
    again = "; not the first measurement on these images" if found.earlier else ""
    seen = f"; {found.seen.count:,} of them were seen before" if found.seen and found.seen.count else ""
    return (
        f"{percent(found.accuracy)}, 95 % interval {span(*found.interval)}, on {found.images:,} images{seen},"
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
    return f"{'; '.join(_earlier(each, found.images) for each in reversed(shown))}{others}. {_MEANING}"


def _earlier(each: Earlier, images: int) -> str:
    shared = "all of the images" if each.images == images else f"{each.images:,} of the images"
    when = each.measured[:16].replace("T", " ")
    return f"{shared} by {each.run} on {when} UTC ({percent(each.right / each.of)})"


def _seen_sentence(seen: SeenImages) -> str:
    counts = [(seen.train, "training"), (seen.validation, "validation")]
    parts = " and ".join(f"{count:,} in {where}" for count, where in counts if count)
    pair = f", such as {' and '.join(map(one_line, dict.fromkeys(seen.example)))}" if seen.example else ""
    return f"{parts} ({seen.searched}{pair})"


def _unseen(found: Measurement) -> str:
    right, images = found.unseen
    if not images:
        return "there are none: this measurement says nothing about new images"
    return f"{percent(right / images)}, 95 % interval {span(*wilson(right, images))}, on {images:,} images"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(one_line, names[:_NAMED])) + more
