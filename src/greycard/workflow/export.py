"""A run's model exported, and checked on the pictures it was measured on."""

from __future__ import annotations

from pathlib import Path

from greycard.deploy.classifier import Classifier
from greycard.deploy.export.export import Exported, default_place, export
from greycard.deploy.export.formats import find_format
from greycard.runs.record import RunRecord
from greycard.training.display import Display
from greycard.workflow.data import pixels_of


def export_run(
    run: RunRecord,
    classifier: Classifier,
    form: str,
    *,
    place: str | Path | None,
    data: str | Path | None,
    data_dir: str | Path | None,
    display: Display,
) -> Exported:
    """Write a run's classifier for elsewhere.

    Args:
        run: finished.
        classifier: of it.
        form: the format's name.
        place: where to; by default in the run's `export/`.
        data: the folder or manifest it was trained on, where it is not found by its name.
        data_dir: the folder of named datasets.
        display: told of progress.

    Raises:
        GreycardError: an unknown format, pictures that are not there, or an export that answers otherwise.
    """
    chosen = find_format(form)
    chosen.expect_possible()
    target = Path(place).expanduser() if place else default_place(run, chosen)
    train, validation = pixels_of(run, data, data_dir, display)
    target.parent.mkdir(parents=True, exist_ok=True)
    with display.waiting(f"writing {chosen.name} and checking it on {len(validation):,} validation images"):
        return export(run, classifier, chosen, train, validation, target)
