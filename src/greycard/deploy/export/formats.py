"""The table of export formats. Importing it loads neither Keras nor NumPy: `--help` lists the names."""

from __future__ import annotations

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.deploy.export.format import Format
from greycard.deploy.export.html import HTML
from greycard.deploy.export.keras_file import KERAS
from greycard.deploy.export.litert import LITERT, LITERT_INT8
from greycard.deploy.export.onnx import ONNX
from greycard.deploy.export.openvino import OPENVINO
from greycard.deploy.export.saved_model import SAVED_MODEL

FORMATS: tuple[Format, ...] = (KERAS, SAVED_MODEL, LITERT, LITERT_INT8, ONNX, OPENVINO, HTML)

NAMES = tuple(each.name for each in FORMATS)


def find_format(name: str) -> Format:
    """The format with this name; GreycardError if there is none."""
    found = next((each for each in FORMATS if each.name == name), None)
    if found is None:
        hint = did_you_mean(name, NAMES, f"the formats are {', '.join(NAMES)}")
        raise GreycardError(f"there is no export format {name!r}", hint=hint)
    return found
