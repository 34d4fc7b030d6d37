"""Strangers' bytes: what is looked at before anything is decoded, and what is turned away."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from greycard.datasets.pictures import UnreadableImageError, opened
from greycard.deploy.classifier import Classifier
from greycard.deploy.serve.limits import Limits, RefusedError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is decoded for strangers; Pillow's other decoders are rarely used, and some call other programs."""

_MARKUP = (b"<script", b"<html", b"<svg", b"<?php", b"<!doctype", b"%pdf-")
_HEAD = 1024


@dataclass(frozen=True)
class Upload:
    """A file as it came: the name it was given, for the answer only, and its content."""

    name: str
    content: bytes


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """The pictures of a request: the body itself, or the files of a form.

    Raises:
        RefusedError: another content type, no picture, too many.
    """
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        found = await _of_form(request, limits)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        found = [Upload("picture", await request.body())]
    else:
        raise RefusedError(415, f"expected a picture (image/…) or a form with files. Received: {kind or 'nothing'}")
    if not found or not any(upload.content for upload in found):
        raise RefusedError(400, "the request holds no picture; expected one as its body, or a form with files")
    return found


async def _of_form(request: Request, limits: Limits) -> list[Upload]:
    try:
        async with request.form(max_files=limits.pictures, max_fields=limits.pictures) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return [Upload(file.filename or "picture", await file.read()) for file in files]
    except HTTPException as error:
        raise RefusedError(400, f"the form cannot be read: {error.detail}") from error


def decode_uploads(
    uploads: Sequence[Upload], classifiers: Sequence[Classifier], limits: Limits
) -> list[list[np.ndarray]]:
    """Each picture's pixels as each classifier takes them.

    Raises:
        RefusedError: one of them is no picture, or too large.
    """
    return [_decode(upload, classifiers, limits) for upload in uploads]


def _decode(upload: Upload, classifiers: Sequence[Classifier], limits: Limits) -> list[np.ndarray]:
    try:
        _expect_harmless(upload, limits)
        return [classifier.decode(upload.content) for classifier in classifiers]
    except UnreadableImageError as error:
        raise RefusedError(422, f"{_shown(upload.name)} cannot be read: {error}") from error


def _expect_harmless(upload: Upload, limits: Limits) -> None:
    """Told from the header alone; nothing is decoded yet."""
    if not upload.content:
        raise UnreadableImageError("the file is empty")
    with opened(upload.content) as image:
        kind, (width, height) = image.format, image.size
    if kind not in FORMATS:
        raise RefusedError(415, f"{_shown(upload.name)} is {kind}; expected one of {', '.join(FORMATS)}")
    if width * height > limits.pixels:
        raise RefusedError(
            413,
            f"{_shown(upload.name)} has {width:,}×{height:,} pixels; expected at most"
            f" {limits.pixels / 1e6:.0f} million",
        )
    if zipfile.is_zipfile(io.BytesIO(upload.content)) or any(
        mark in upload.content[:_HEAD].lower() for mark in _MARKUP
    ):
        raise RefusedError(422, f"{_shown(upload.name)} is a picture and something else at once")


def _shown(name: str) -> str:
    """A stranger's file name, short and in one line."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= 80 else f"{plain[:77]}…"
