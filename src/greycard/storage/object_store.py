"""S3 and Google Cloud Storage by pyarrow: names, reading, writing, and what went wrong in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from greycard.core.errors import GreycardError
from greycard.core.paths import GS, S3

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")

ENVIRONMENT = (*_ENDPOINTS, *_REGIONS)
"""Variables that say where the storage is; they are no secrets, and have to be the same on all machines."""

_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER, _ATTEMPTS = 10.0, 30.0, 3
_CHUNK = 1 << 20
_FORBIDDEN = re.compile(r"\bHTTP (?:status|response code):? ?403")
_CAUSE = re.compile(r"(?:curlCode: \d+, |CURL error \[\d+\]=)([^;]+?)(?:;| error_info|$)", re.MULTILINE)


def expect_address(address: str) -> None:
    """Raise a GreycardError if an address has no bucket, or pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise GreycardError(f"{address} needs pyarrow", hint='pip install "greycard[parquet]"')
    if not _path(address).split("/")[0]:
        raise GreycardError(f"{address} has no bucket", hint=f"for example {_scheme(address)}bucket/folder")


def names_in(address: str) -> set[str]:
    """The names directly below a prefix."""
    from pyarrow.fs import FileSelector

    with _explained(address):
        selector = FileSelector(_path(address).rstrip("/"), allow_not_found=True)
        return {info.base_name for info in _files(address).get_file_info(selector)}


def is_object(address: str) -> bool:
    """Whether there is an object with exactly this address."""
    from pyarrow.fs import FileType

    expect_address(address)
    with _explained(address):
        return _files(address).get_file_info(_path(address)).type == FileType.File


def below(address: str) -> Iterator[str]:
    """The addresses of all objects below a prefix, in order."""
    from pyarrow.fs import FileSelector, FileType

    with _explained(address):
        selector = FileSelector(_path(address).rstrip("/"), recursive=True)
        found = [info.path for info in _files(address).get_file_info(selector) if info.type == FileType.File]
    yield from (f"{_scheme(address)}{path}" for path in sorted(found))


def content(address: str, most: int) -> bytes:
    """An object's bytes, at most so many; FileNotFoundError if there is none."""
    with _explained(address, missing=False), _files(address).open_input_file(_path(address)) as file:
        return bytes(file.read(min(most, file.size())))  # a buffer of this size is reserved


def opened(address: str) -> IO[bytes]:
    """An object, open for reading at any position; FileNotFoundError if there is none."""
    with _explained(address, missing=False):
        return _files(address).open_input_file(_path(address))


def put(file: Path, address: str) -> None:
    """Copy a file into an object, which is seen when all of it is there.

    A thread copies it, and Ctrl-C waits for its end: a stream that is left early is closed, and so becomes an object
    with a part of the bytes.
    """
    with _explained(address), ThreadPoolExecutor(1) as thread:
        thread.submit(_copy, file, address).result()


def _copy(file: Path, address: str) -> None:
    with file.open("rb") as source, _files(address).open_output_stream(_path(address)) as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)


def no_images(address: str) -> GreycardError:
    """The error of a prefix without images."""
    return GreycardError(f"there are no images below {address}", hint="check the prefix, or name a list of addresses")


def _scheme(address: str) -> str:
    return S3 if address.startswith(S3) else GS


def _path(address: str) -> str:
    return address.removeprefix(_scheme(address))


def _files(address: str) -> Any:
    if _scheme(address) == GS:
        return _gs()
    return _s3(_path(address).split("/")[0], _variable(_ENDPOINTS), _variable(_REGIONS))


@lru_cache
def _s3(bucket: str, endpoint: str | None, region: str | None) -> Any:
    """The file system of a bucket; credentials are found as by every AWS tool."""
    from pyarrow import fs

    if region is None:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    scheme, _, host = endpoint.rpartition("://") if endpoint else ("", "", None)
    return fs.S3FileSystem(
        region=region,
        endpoint_override=host,
        scheme=scheme or "https",
        allow_delayed_open=True,  # one PUT for a small part
        connect_timeout=_SECONDS_TO_CONNECT,
        request_timeout=_SECONDS_TO_ANSWER,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


@lru_cache
def _gs() -> Any:
    from pyarrow import fs

    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_SECONDS_TO_ANSWER))


def _variable(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


@contextmanager
def _explained(address: str, *, missing: bool = True) -> Iterator[None]:
    """Errors of the storage within the block as a GreycardError; without `missing` a FileNotFoundError passes."""
    try:
        yield
    except FileNotFoundError as error:
        if not missing:
            raise
        raise GreycardError(f"{address} does not exist", hint="check the bucket and the prefix") from error
    except OSError as error:
        raise _explanation(address, str(error)) from error


def _explanation(address: str, why: str) -> GreycardError:
    if "ACCESS_DENIED" in why or "INVALID_ACCESS_KEY_ID" in why or "SIGNATURE" in why or _FORBIDDEN.search(why):
        who = "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return GreycardError(
            f"{address} cannot be used: access is denied, or there are no credentials",
            hint=f"set {who if _scheme(address) == S3 else 'GOOGLE_APPLICATION_CREDENTIALS'}",
        )
    if "NO_SUCH_BUCKET" in why or ("Bucket" in why and "not found" in why):
        return GreycardError(f"the bucket of {address} does not exist", hint="check its name and AWS_REGION")
    return GreycardError(
        f"{address} cannot be reached: {_reason(why)}",
        hint="check the network, and AWS_ENDPOINT_URL if it is set" if _scheme(address) == S3 else "check the network",
    )


def _reason(why: str) -> str:
    """The last cause in a long message of a storage library."""
    found = _CAUSE.search(why)
    return found[1].strip() if found else next(iter(why.strip().splitlines()), "no answer")
