"""What went wrong in S3 or Google Cloud Storage, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.core.paths import GS, S3

_DENIED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE|\bHTTP (?:status|response code):? ?403|OAuth2 access token"
)
_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|Bucket .*not found")
_OF_BUCKET = re.compile(r"function=(?:ListObjects|CreateResumableUpload)")
"""What Google Cloud Storage does not find only if there is no bucket."""

_CONNECTION = re.compile(r"(?:curlCode: \d+, |CURL error \[\d+\]=)([^;]+?)(?:;| error_info|$)", re.MULTILINE)
_ANSWER = re.compile(r"a last message of (.+?) error_info")
"""The cause in a long message: of a failed connection, and of an answer of Google Cloud Storage."""


@dataclass(frozen=True)
class _Hints:
    """What to do, by what went wrong."""

    denied: str
    no_bucket: str
    unreachable: str


_HINTS = {
    S3: _Hints(
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "check its name and AWS_REGION",
        "check the network, and AWS_ENDPOINT_URL if it is set",
    ),
    GS: _Hints(
        "set GOOGLE_APPLICATION_CREDENTIALS",
        "check its name",
        "check the network, and STORAGE_EMULATOR_HOST if it is set",
    ),
}


@contextmanager
def explained(address: str, *, missing: bool = True) -> Iterator[None]:
    """Errors of the storage within the block as a GreycardError; without `missing` a FileNotFoundError passes."""
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException) as error:
        if isinstance(error, FileNotFoundError) and not missing:
            raise
        raise _explanation(address, error) from error


def _explanation(address: str, error: Exception) -> GreycardError:
    why, hints = str(error), _HINTS[S3 if address.startswith(S3) else GS]
    absent = isinstance(error, FileNotFoundError) or why.startswith("No such file")
    if isinstance(error, PermissionError) or _DENIED.search(why):
        return GreycardError(
            f"{address} cannot be used: access is denied, or there are no credentials", hint=hints.denied
        )
    if _NO_BUCKET.search(why) or (absent and _OF_BUCKET.search(why)):
        return GreycardError(f"the bucket of {address} does not exist", hint=hints.no_bucket)
    if absent:
        return GreycardError(f"{address} does not exist", hint="check the bucket and the prefix")
    return GreycardError(f"{address} cannot be reached: {reason(error)}", hint=hints.unreachable)


def reason(error: Exception) -> str:
    """The cause in the message of a library, in a few words."""
    why = str(error)
    found = _CONNECTION.search(why) or _ANSWER.search(why)
    return found[1].strip() if found else next(iter(why.strip().splitlines()), "no answer")
