"""`greycard serve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

import click

from greycard.cli import options
from greycard.cli.answers import refuse_option
from greycard.cli.output import run_path
from greycard.deploy.serve.network import reachable_addresses

_ADDRESS = (
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="ADDRESS",
        help="Address to listen on; 0.0.0.0 accepts other machines.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8000,
        show_default=True,
        metavar="N",
        help="Port to listen on; 0 chooses a free port.",
    ),
    click.option(
        "--token", envvar="GREYCARD_TOKEN", metavar="WORD", help="Require this token.  [default: GREYCARD_TOKEN]"
    ),
)


def server_address(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--host`, `--port` and `--token`."""
    for option in reversed(_ADDRESS):
        command = option(command)
    return command


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@server_address
@refuse_option
@options.out
@options.debug
def serve(runs: tuple[str, ...], host: str, port: int, token: str | None, refuse: str, out: str, debug: bool) -> None:
    """Serve RUNs on a web page and a JSON API.

    \b
    greycard serve pets-1  # then open http://127.0.0.1:8000/
    greycard serve pets-1 pets-2 --port 8080
    greycard serve pets-1 --host 0.0.0.0 --token secret

    Drop, paste or photograph an image on the page. It shows each model's prediction, its probability and a heat map.
    Only this machine can connect, unless --host is set. Ctrl-C stops the server after it has answered the open
    requests.
    """
    from greycard.api import open_run
    from greycard.api import serve as serve_runs
    from greycard.reports.progress import terminal_reporter

    opened = [open_run(run_path(run, out)) for run in runs]
    with ExitStack() as waiting:
        shown = waiting.enter_context(terminal_reporter())
        waiting.enter_context(shown.status("starting Keras and loading the models"))

        def ready(address: str) -> None:
            waiting.close()
            print_addresses([run.name for run in opened], address, token)

        serve_runs(opened, host=host, port=port, token=token, refuse=refuse, on_ready=ready)
    click.echo("stopped", err=True)


def print_addresses(names: Sequence[str], address: str, token: str | None) -> None:
    """Print what is served and the address to open; for 0.0.0.0, which browsers cannot open, those for others."""
    secret = f"#token={quote(token, safe='')}" if token else ""  # the page reads the token from the URL
    parts = urlsplit(address)
    everywhere = parts.hostname in ("0.0.0.0", "::")
    here = f"http://127.0.0.1:{parts.port}/" if everywhere else address
    click.echo(f"serving {', '.join(names)}; Ctrl-C stops it; open {here}{secret}")
    if everywhere:
        others = [f"http://{each}:{parts.port}/{secret}" for each in reachable_addresses()]
        where = " or ".join(others) or "no address found: this machine has no network"
        click.echo(f"phones and other machines in the same network: {where}")
