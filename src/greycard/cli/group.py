"""The output of `greycard --help`: commands in groups, each with its full summary."""

from __future__ import annotations

import click

GROUPS = {
    "Start": ("studio", "sample", "projects", "records", "recipe", "info"),
    "Train": ("run", "train", "crossval", "sweep", "resume", "find-lr", "tune"),
    "Look": ("table", "show", "diagnose", "report", "compare", "test", "explain", "card"),
    "Use": ("predict", "serve", "export", "embed", "similar"),
    "Data": ("check", "split", "fetch", "cache"),
}
"""All commands, in the order in which a new user needs them."""

_WHOLE = 1000
"""The maximum length of a summary in characters; click's default of 45 would cut it."""


class Group(click.Group):
    """Lists its commands in the order of `GROUPS`; commands in no group come last."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rest = tuple(
            name for name in self.list_commands(context) if not any(name in names for names in GROUPS.values())
        )
        longest = max(map(len, self.commands))
        for title, names in (*GROUPS.items(), ("Other", rest)):
            rows = [(name.ljust(longest), self.commands[name].get_short_help_str(_WHOLE)) for name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
