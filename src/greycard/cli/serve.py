"""`greycard serve`."""

from __future__ import annotations

from urllib.parse import quote

import click

from greycard.cli import options
from greycard.cli.output import run_path


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; 0.0.0.0 lets other machines in.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
@click.option("--token", envvar="GREYCARD_TOKEN", metavar="WORD", help="Ask for this word.  [default: GREYCARD_TOKEN]")
@options.out
@options.debug
def serve(runs: tuple[str, ...], host: str, port: int, token: str | None, out: str, debug: bool) -> None:
    """Answer for RUNs on a web page and a JSON API: drop, paste or photograph a picture, and see what each model says,
    how surely, and where it looks.

    Only this machine reaches it, unless --host says otherwise. Ctrl-C ends it once the requests in work are answered.
    """
    from greycard.api import open_run
    from greycard.api import serve as serve_runs

    opened = [open_run(run_path(run, out)) for run in runs]

    def ready(address: str) -> None:
        names = ", ".join(run.name for run in opened)
        known = f"#token={quote(token, safe='')}" if token else ""  # the page takes it from there
        click.echo(f"{names} on {address}{known}")

    serve_runs(opened, host=host, port=port, token=token, on_ready=ready)
    click.echo("stopped", err=True)
