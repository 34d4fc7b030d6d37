"""LiteRT.js, which computes the model in an exported page: a published file that is downloaded only by its name.

Greycard keeps the file as it was published and checks its digest each time it is used. The build without relaxed SIMD
is taken: its results do not depend on the processor, so what was checked on one machine holds on another.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.core.paths import runtimes_dir
from greycard.core.reporter import DownloadProgress
from greycard.datasets.catalog import Download
from greycard.datasets.digests import file_digest
from greycard.datasets.download import download

NAME = "litert-web"
"""As `greycard fetch` calls it."""

VERSION = "2.5.3"
TITLE = f"LiteRT.js {VERSION}, for export --format html"
LICENCE = "Apache 2.0, Google LLC"

PACKAGE = Download(
    f"https://registry.npmjs.org/@litertjs/core/-/core-{VERSION}.tgz",
    11_817_097,
    "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
)

_PARTS = "package/wasm/litert_wasm_compat_internal"


@dataclass(frozen=True)
class WebRuntime:
    """What a page needs of LiteRT.js.

    Attributes:
        script: the loader, JavaScript that defines `ModuleFactory`.
        wasm: the compiled runtime.
    """

    script: str
    wasm: bytes


def runtime_file() -> Path:
    """Where the published file is, or would be."""
    return runtimes_dir() / NAME / PACKAGE.file


def expect_runtime() -> None:
    """Raise a GreycardError if the runtime is missing or is another file."""
    place = runtime_file()
    if not place.is_file():
        raise GreycardError(
            f"exporting to html needs LiteRT.js: expected {place}, published at {PACKAGE.url}"
            f" ({PACKAGE.size:,} bytes, SHA-256 {PACKAGE.sha256})",
            hint=f"`{command('fetch', NAME)}` downloads it once; offline, put the file at that path",
        )
    if file_digest(place) != PACKAGE.sha256:
        raise GreycardError(
            f"{place} is not the published file: its SHA-256 is not {PACKAGE.sha256}",
            hint=f"remove it, then `{command('fetch', NAME)}`",
        )


def fetch_runtime(progress: DownloadProgress) -> bool:
    """Download the runtime into the folder of runtimes.

    Args:
        progress: called with the downloaded bytes.

    Returns:
        Whether it was downloaded; False if it is there already.

    Raises:
        GreycardError: not reachable, or not the published file.
    """
    if runtime_file().is_file():
        expect_runtime()
        return False
    download(PACKAGE.url, runtime_file(), digest=PACKAGE.sha256, size=PACKAGE.size, progress=progress)
    return True


def read_runtime() -> WebRuntime:
    """The runtime's parts; GreycardError as for `expect_runtime`."""
    expect_runtime()
    with tarfile.open(fileobj=io.BytesIO(runtime_file().read_bytes()), mode="r:gz") as archive:
        script, wasm = (_member(archive, f"{_PARTS}.{ending}") for ending in ("js", "wasm"))
    return WebRuntime(script.decode("utf-8"), wasm)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None  # the digest is that of a file that has it
    return file.read()
