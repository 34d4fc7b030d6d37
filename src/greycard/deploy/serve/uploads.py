"""Untrusted uploads: what is checked before decoding, and what is rejected."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from greycard.datasets.images import UnreadableImageError, opened
from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.questions import PARAMETERS

if TYPE_CHECKING:
    from greycard.deploy.classifier import Classifier

ENDINGS = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "AVIF": ".avif",
}
"""The formats accepted from clients, with their files' endings. Pillow's other decoders are rarely used, and some call
other programs."""

_MARKUP = (b"<script", b"<html", b"<svg", b"<?php", b"<!doctype", b"%pdf-")
_HEAD = 1024


@dataclass(frozen=True)
class Upload:
    """An uploaded file: its content, and its name, shortened to one line, which is only repeated in the response."""

    name: str
    content: bytes


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """The images of a request: its body, or the files of its form.

    Raises:
        RefusedError: unsupported content type, no image, or too many images.
    """
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        found = await _of_form(request, limits)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        found = [Upload("image", await request.body())]
    else:
        raise RefusedError(415, f"expected an image (image/…) or a form with files. Received: {kind or 'nothing'}")
    if not found or not any(upload.content for upload in found):
        raise RefusedError(400, "the request has no image; expected an image as its body, or a form with files")
    return found


async def _of_form(request: Request, limits: Limits) -> list[Upload]:
    try:
        async with request.form(max_files=limits.images, max_fields=limits.images) as form:
            _expect_files_only(form)
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return [Upload(_shown(file.filename or "image"), await file.read()) for file in files]
    except HTTPException as error:
        raise RefusedError(400, f"the form cannot be read: {error.detail}") from error


def _expect_files_only(form: FormData) -> None:
    """Reject text fields of a form: parameters belong in the URL, and in the form they would be ignored."""
    text = next((name for name, value in form.multi_items() if not isinstance(value, UploadFile)), None)
    if text is not None:
        place = f"; pass it in the URL: /api/predict?{text}=…" if text in PARAMETERS else ""
        raise RefusedError(400, f"the form's field {_shown(text)!r} is not a file{place}")


def declared_pixels(uploads: Sequence[Upload], most: int) -> list[int]:
    """The number of pixels of each image according to its header, before decoding.

    Raises:
        RefusedError: a file is not an image, or all together have more than `most` pixels.
    """
    found = [_declared(upload) for upload in uploads]
    if sum(found) > most:
        what = uploads[0].name if len(uploads) == 1 else "the request"
        raise RefusedError(413, f"{what} has {sum(found):,} pixels; expected at most {most / 1e6:.0f} million")
    return found


def decode(upload: Upload, classifiers: Sequence[Classifier]) -> list[np.ndarray]:
    """An image's pixels for each classifier; raises a RefusedError if the image is damaged."""
    try:
        return [classifier.decode(upload.content) for classifier in classifiers]
    except UnreadableImageError as error:
        raise RefusedError(422, f"{upload.name} cannot be read: {error}") from error


def _declared(upload: Upload) -> int:
    """Width times height according to the header; rejects files that are also valid in another format."""
    try:
        if not upload.content:
            raise UnreadableImageError("the file is empty")
        with opened(upload.content) as image:
            kind, (width, height) = image.format, image.size
    except UnreadableImageError as error:
        raise RefusedError(422, f"{upload.name} cannot be read: {error}") from error
    if kind not in ENDINGS:
        raise RefusedError(415, f"{upload.name} is {kind}; expected one of {', '.join(ENDINGS)}")
    if _is_archive(upload.content) or any(mark in upload.content[:_HEAD].lower() for mark in _MARKUP):
        raise RefusedError(422, f"{upload.name} is an image and also a valid file of another format")
    return width * height


def _is_archive(content: bytes) -> bool:
    try:
        return zipfile.is_zipfile(io.BytesIO(content))
    except zipfile.BadZipFile:  # it ends like a zip archive, but is damaged
        return True


def _shown(name: str) -> str:
    """An untrusted file name, shortened to one line."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= 80 else f"{plain[:77]}…"
