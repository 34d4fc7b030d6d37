"""S3 and Google Cloud Storage by pyarrow: names, reading and writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from greycard.core.errors import GreycardError
from greycard.core.paths import GS, S3
from greycard.storage.failures import explained

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_GOOGLE_ENDPOINTS = ("STORAGE_EMULATOR_HOST",)

ENVIRONMENT = (*_ENDPOINTS, *_REGIONS, *_GOOGLE_ENDPOINTS)
"""Variables that say where the storage is; they are no secrets, and have to be the same on all machines."""

_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER, _ATTEMPTS = 10.0, 30.0, 3
_CHUNK = 1 << 20
_LONGEST_KEY = 1024
"""In bytes, of S3 and of Google Cloud Storage."""


def expect_address(address: str) -> None:
    """Raise a GreycardError if an address has no bucket or can name nothing, or pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise GreycardError(f"{address} needs pyarrow", hint='pip install "greycard[parquet]"')
    path = _path(address).rstrip("/")
    if not path or path.startswith("/"):
        raise GreycardError(f"{address} has no bucket", hint=f"for example {_scheme(address)}bucket/folder")
    why = _why_no_name(path)
    if why is not None:
        raise GreycardError(f"{address} is {why}", hint="check the address")


def why_no_object(address: str) -> str | None:
    """Why an address is that of no object, or of none that pyarrow can read, as its name alone says; None if it can be.

    Inventories of buckets list folder markers, which end with a slash.
    """
    path = _path(address)
    bucket, _, key = path.partition("/")
    if not bucket:
        return "an address without a bucket"
    return "the address of a folder, not of an object" if not key or key.endswith("/") else _why_no_name(path)


def _why_no_name(path: str) -> str | None:
    if "" in path.split("/"):
        return "an address with an empty name between two slashes"
    try:
        size = len(path.encode().partition(b"/")[2])
    except UnicodeEncodeError:
        return "an address that is not text in UTF-8"
    return f"an address whose name has more than {_LONGEST_KEY:,} bytes" if size > _LONGEST_KEY else None


def names_in(address: str) -> set[str]:
    """The names directly below a prefix."""
    from pyarrow.fs import FileSelector

    with explained(address):
        selector = FileSelector(_path(address).rstrip("/"), allow_not_found=True)
        return {info.base_name for info in _files(address).get_file_info(selector)}


def is_object(address: str) -> bool:
    """Whether there is an object with exactly this address."""
    from pyarrow.fs import FileType

    expect_address(address)
    with explained(address):
        return _files(address).get_file_info(_path(address)).type == FileType.File


def below(address: str) -> Iterator[str]:
    """The addresses of all objects below a prefix, in order."""
    from pyarrow.fs import FileSelector, FileType

    with explained(address):
        selector = FileSelector(_path(address).rstrip("/"), recursive=True)
        found = [info.path for info in _files(address).get_file_info(selector) if info.type == FileType.File]
    yield from (f"{_scheme(address)}{path}" for path in sorted(found))


def content(address: str, most: int) -> bytes:
    """An object's bytes, at most so many; FileNotFoundError if there is none."""
    with explained(address, missing=False), _files(address).open_input_file(_path(address)) as file:
        return bytes(file.read(min(most, file.size())))  # a buffer of this size is reserved


def opened(address: str) -> IO[bytes]:
    """An object, open for reading at any position; FileNotFoundError if there is none."""
    with explained(address, missing=False):
        return _files(address).open_input_file(_path(address))


def put(file: Path, address: str) -> None:
    """Copy a file into an object, which is seen when all of it is there.

    A thread copies it, and Ctrl-C waits for its end: a stream that is left early is closed, and so becomes an object
    with a part of the bytes.
    """
    with explained(address), ThreadPoolExecutor(1) as thread:
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
        return _gs(_variable(_GOOGLE_ENDPOINTS))
    return _s3(_path(address).split("/")[0], _variable(_ENDPOINTS), _variable(_REGIONS))


@lru_cache
def _s3(bucket: str, endpoint: str | None, region: str | None) -> Any:
    """The file system of a bucket; credentials are found as by every AWS tool."""
    from pyarrow import fs

    if region is None:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    scheme, host = _parts_of(endpoint) if endpoint else ("", None)
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
def _gs(endpoint: str | None) -> Any:
    """The file system; credentials are found as by every Google tool, and another server than Google's needs none."""
    from pyarrow import fs

    limit = timedelta(seconds=_SECONDS_TO_ANSWER)
    if endpoint is None:
        return fs.GcsFileSystem(retry_time_limit=limit)
    scheme, host = _parts_of(endpoint)
    return fs.GcsFileSystem(anonymous=True, scheme=scheme or "http", endpoint_override=host, retry_time_limit=limit)


def _parts_of(endpoint: str) -> tuple[str, str]:
    """The scheme, which may be empty, and the host with its port."""
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    return scheme, host


def _variable(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
