"""The errors that a user can see: each has a message and a hint that says what to do next."""

import shlex
from pathlib import Path


class GreycardError(Exception):
    """A mistake that the user can correct: the CLI prints it without a traceback and exits with code 2.

    Args:
        message: what is wrong, what was expected and what was received, in one or two sentences.
        hint: what to do next; printed on a separate line.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)  # both in args, so that it can be pickled
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.args[0]}\nhint: {self.hint}"


def command(*words: object) -> str:
    """A `greycard` command to show in a message: words are quoted for the shell; a path never looks like an option."""
    return shlex.join(["greycard", *(f"./{word}" if _looks_like_option(word) else str(word) for word in words)])


def _looks_like_option(word: object) -> bool:
    return isinstance(word, Path) and str(word).startswith("-")


class GreycardWarning(UserWarning):
    """Something the user should know that does not stop the work; the CLI prints it as one `note:` line."""
