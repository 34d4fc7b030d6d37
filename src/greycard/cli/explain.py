"""`greycard explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.output import run_path

if TYPE_CHECKING:
    from greycard.api import Run


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--label", metavar="CLASS", help="Explain this class.  [default: the predicted class, or each predicted label]"
)
@options.out
@options.debug
def explain(run: str, images: tuple[str, ...], label: str | None, out: str, debug: bool) -> None:
    """Draw heat maps of what a RUN's model sees in each IMAGE.

    \b
    greycard explain pets-1 pets/validation/cat/100.jpg
    greycard explain pets-1 cat.jpg --label dog

    The PNG files are written to the run's explain/ folder. NAME-heat.png shows Grad-CAM and an occlusion map.
    NAME-maps.png shows the feature maps of every convolution and pooling layer. filters.png shows the first
    convolution's filters.
    """
    from greycard.api import open_run
    from greycard.reports.explanation import filters_figure
    from greycard.reports.explanation_files import expect_explanation_folder, write_explanation, write_filters

    opened = open_run(run_path(run, out))
    folder = opened.path / "explain"
    expect_explanation_folder(folder)
    for image in images:
        for each in [label] if label or not opened.task.has_several else _labels(opened, image):
            found = opened.explain(image, each)
            figures = {"heat": found.figure()} | ({"maps": found.maps_figure()} if found.maps else {})
            for place in write_explanation(folder, image, each, figures):
                click.echo(place)
    filters = opened.filters()
    if filters is not None:
        click.echo(write_filters(folder, filters_figure(filters)))


def _labels(run: Run, image: str) -> list[str | None]:
    """The labels of an image that can have several; if it has none, the likeliest one is explained."""
    found = next(iter(run.predict_each(image)))
    return [*found.labels] or [None]
