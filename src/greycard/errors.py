"""The one family of errors a user can meet, each a sentence with a hint of what to do next."""


class GreycardError(Exception):
    """A mistake the user can mend: the CLI prints it without a traceback and exits with code 2.

    Args:
        message: what went wrong, what was expected and what was received, in one or two sentences.
        hint: what to do next; printed on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}\nhint: {self.hint}" if self.hint else message


class GreycardWarning(UserWarning):
    """Something worth knowing that does not stop the work; the CLI prints it as one `note:` line."""
