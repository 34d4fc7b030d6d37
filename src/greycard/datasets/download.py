"""Download one file over HTTP: resume a partial download, verify it, and rename it only when it is complete."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.reporter import DownloadProgress

_ATTEMPTS = 3
_BLOCK = 1 << 20
_TIMEOUT_SECONDS = 30


def download(
    url: str, target: Path, *, digest: str | None, size: int | None = None, progress: DownloadProgress
) -> None:
    """Fetch `url` to `target`; a partial download in `target.part` is resumed.

    Args:
        url: http or https.
        target: the finished file; its folder is created.
        digest: SHA-256 (64 hex digits) or MD5 (32) of the whole file; None if no digest is published.
        size: expected bytes; the download stops if there are more.
        progress: called after every block.

    Raises:
        GreycardError: not reachable, too long, or not the published content; a resumable partial file is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _receive(url, part, size, progress)
            break
        except (OSError, http.client.HTTPException) as error:
            if attempt == _ATTEMPTS or _is_final(error):
                raise GreycardError(
                    f"could not download {url}: {error}",
                    hint=f"run it again to resume the download, or put the file at {target} yourself",
                ) from error
    _verify(url, part, digest)
    os.replace(part, target)


def _receive(url: str, part: Path, size: int | None, progress: DownloadProgress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have == size:
        return
    with _opened(url, have) as response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else size
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(_BLOCK):
                have += len(block)
                if size is not None and have > size:
                    raise _wrong(url, part, f"more than the {size:,} bytes published")
                file.write(block)
                progress(have, total)
    if total is not None and have < total:
        raise ConnectionError(f"the connection closed after {have:,} of {total:,} bytes")


def _opened(url: str, start: int) -> http.client.HTTPResponse:
    """The response from byte `start` on, or from the first byte if the server has no more bytes after it."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _opened(url, 0)
        raise


def _is_final(error: Exception) -> bool:
    return isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500


def _verify(url: str, part: Path, digest: str | None) -> None:
    if digest is None:
        return
    algorithm = "md5" if len(digest) == 32 else "sha256"
    with part.open("rb") as file:
        received = hashlib.file_digest(file, algorithm).hexdigest()
    if received != digest:
        raise _wrong(url, part, f"{algorithm} {received}; {digest} is published")


def _wrong(url: str, part: Path, received: str) -> GreycardError:
    part.unlink()
    return GreycardError(
        f"{url} is not the published file: received {received}; it was removed",
        hint="try again from another network; a login page or a proxy may have answered instead",
    )
