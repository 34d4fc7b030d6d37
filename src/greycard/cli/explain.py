"""`greycard explain`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options
from greycard.cli.output import run_path


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--label", metavar="CLASS", help="Explain this class.  [default: the answered one]")
@options.out
@options.debug
def explain(run: str, images: tuple[str, ...], label: str | None, out: str, debug: bool) -> None:
    """Draw what a RUN's model sees in each IMAGE, as PNG files in the run's explain/ folder.

    NAME-heat.png has Grad-CAM and an occlusion map, NAME-maps.png what every convolution and pooling layer makes of it;
    filters.png is the first convolution's.
    """
    from greycard.api import open_run
    from greycard.reports.drawing import as_png
    from greycard.reports.explanation import filters_figure
    from greycard.whole_files import write_whole

    opened = open_run(run_path(run, out))
    folder = opened.path / "explain"
    for image in images:
        found = opened.explain(image, label)
        drawn = {"heat": found.figure()} | ({"maps": found.maps_figure()} if found.maps else {})
        folder.mkdir(exist_ok=True)
        for kind, figure in drawn.items():
            place = folder / f"{_name(image, label)}-{kind}.png"
            write_whole(place, as_png(figure))
            click.echo(place)
    filters = opened.filters()
    if filters is not None:
        write_whole(folder / "filters.png", as_png(filters_figure(filters)))
        click.echo(folder / "filters.png")


def _name(image: str, label: str | None) -> str:
    """The end of its path as it was typed, since class folders number their pictures alike; and the asked-for class."""
    parts = [part for part in Path(image).with_suffix("").parts if part not in ("..", "/")][-3:]
    return "-".join([*parts, *([label] if label else [])])
