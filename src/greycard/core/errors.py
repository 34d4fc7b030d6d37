"""The one family of errors a user can meet, each a sentence with a hint of what to do next."""

import shlex
from pathlib import Path


class GreycardError(Exception):
    """A mistake the user can mend: the CLI prints it without a traceback and exits with code 2.

    Args:
        message: what went wrong, what was expected and what was received, in one or two sentences.
        hint: what to do next; printed on a line of its own.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)  # both in args, so that it can be pickled
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.args[0]}\nhint: {self.hint}"


def command(*words: object) -> str:
    """A `greycard` command as it is typed, for messages: words are quoted for the shell, a path is no option."""
    return shlex.join(["greycard", *(f"./{word}" if _looks_like_option(word) else str(word) for word in words)])


def _looks_like_option(word: object) -> bool:
    return isinstance(word, Path) and str(word).startswith("-")


class GreycardWarning(UserWarning):
    """Something worth knowing that does not stop the work; the CLI prints it as one `note:` line."""
