"""`greycard studio`."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from secrets import token_urlsafe
from urllib.parse import urlsplit

import click

from greycard.cli import options
from greycard.cli.phone import choose_network, print_phone
from greycard.cli.serve import print_addresses, server_address

_TOKEN_BYTES = 12
"""A token that nobody guesses, in 16 letters."""


@click.command()
@click.argument("folder", type=options.LOCAL, default="images", metavar="[FOLDER]")
@click.option(
    "--lesson", metavar="NAME", help="Show a lesson at the side: its number, its name, or a project that it trains."
)
@options.author
@server_address
@click.option("--phone", is_flag=True, help="Let a phone in the same network open the page, by a QR code.")
@options.out
@options.debug
def studio(
    folder: str,
    lesson: str | None,
    author: str | None,
    host: str,
    port: int,
    token: str | None,
    phone: bool,
    out: str,
    debug: bool,
) -> None:
    """Collect, label, check and train on images, on a web page.

    \b
    greycard studio pets  # then open http://127.0.0.1:8000/
    greycard studio pets --phone  # scan the QR code with a phone
    greycard studio pets --host 0.0.0.0 --token secret
    greycard studio --lesson augmentation --name Ada

    FOLDER, by default images, has a folder of images for each class; it is created if it does not exist. Drop images on
    the page, or use the camera; keys 1 to 9 give labels. Everything is an ordinary file: what is removed moves to
    FOLDER/.greycard/trash, and `greycard train FOLDER` trains on the same images. Ctrl-C stops the server; a training
    goes on.
    """
    from greycard.api import studio as show_studio
    from greycard.reports.progress import terminal_reporter

    network = choose_network(host) if phone else None
    if network:
        host, token = "127.0.0.1", token or token_urlsafe(_TOKEN_BYTES)
    with ExitStack() as waiting:
        shown = waiting.enter_context(terminal_reporter())
        waiting.enter_context(shown.status("reading the folder"))

        def ready(address: str) -> None:
            waiting.close()
            print_addresses([folder], address, token)
            if network:
                print_phone(network, urlsplit(address).port or 80, str(token))

        phone_host = network.host if network else None
        show = partial(show_studio, folder, runs=out, author=author, lesson=lesson, on_ready=ready)
        show(host=host, port=port, token=token, phone=phone_host)
    click.echo("stopped", err=True)
