"""One page with the model, its runtime and the camera, for any browser: it needs no server and no network.

The model in it is the one of the `litert` export, with one more output where that draws heat maps without gradients.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.deploy.export.format import Format

if TYPE_CHECKING:
    import keras
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier
    from greycard.deploy.export.browser import BrowserPage
    from greycard.explain.class_activation import ClassActivation

_CAM = "heat map (Grad-CAM): brighter regions add more points of probability, from 1 to 100"
_OCCLUSION = "heat map (occlusion): covering a brighter region costs more points of probability, from 1 to 100"
_NUMBER_CAM = "heat map (Grad-CAM): brighter regions raise the number more, from 1 hundredth of a standard deviation on"
_NUMBER_OCCLUSION = "heat map (occlusion): covering a brighter region changes the number more, up or down"
_NOT_RUN = "the page itself was not run: {}. Its model was run with LiteRT instead"


def _write(classifier: Classifier, place: Path, _: np.ndarray) -> None:
    import keras

    from greycard.backend.litert import convert
    from greycard.deploy.export.web_page import web_page
    from greycard.deploy.export.web_runtime import read_runtime
    from greycard.explain.class_activation import class_activation
    from greycard.models.calibrated import in_one_row

    found = class_activation(classifier.trained, classifier.task)
    row = in_one_row(classifier.model)
    extra = [_in_one_row(found.evidence)] if found else []
    model = keras.Model(row.inputs, [*row.outputs, *extra])
    content = convert(model, batch=1)  # LiteRT.js has room for what the file says that one image needs
    place.write_text(web_page(content, read_runtime(), _about(classifier, found)), encoding="utf-8")


def _in_one_row(evidence: keras.KerasTensor) -> keras.KerasTensor:
    """All views and places of one image, (1, n); a model in the model, because an operation's name may be taken."""
    import keras
    from keras import ops

    given = keras.Input(evidence.shape[1:])
    return keras.Model(given, ops.reshape(given, (1, -1)), name="evidence_of_one_image")(evidence)


def _about(classifier: Classifier, found: ClassActivation | None) -> dict[str, Any]:
    from matplotlib import colormaps

    colours = (colormaps["inferno"](range(256))[:, :3] * 255).astype("uint8")
    evidence = found and {
        "rows": found.evidence.shape[1],
        "columns": found.evidence.shape[2],
        "bias": found.bias,
        "temperature": classifier.temperature,
    }
    return {
        "row": classifier.width + (classifier.rejection is not None),
        "evidence": evidence,
        "part": classifier.recipe.prediction.center_crop,
        "caption": _caption(found is not None, classes=classifier.task.has_classes),
        "colours": base64.b64encode(colours.tobytes()).decode(),
    }


def _caption(linear: bool, *, classes: bool) -> str:
    """Which heat map the page draws; without a linear head it covers parts of the image."""
    if classes:
        return _CAM if linear else _OCCLUSION
    return _NUMBER_CAM if linear else _NUMBER_OCCLUSION


class PageModel:
    """The model as a page computes it in a browser.

    Args:
        page: in a browser.
    """

    def __init__(self, page: BrowserPage) -> None:
        self._page = page
        page.wait_for("Boolean(globalThis.greycard)")
        page.value("greycard.ready.then(() => null)")

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Rows, as those of other formats, of images uint8 (n, height, width, channels)."""
        import numpy as np

        words = base64.b64encode(np.ascontiguousarray(images).tobytes()).decode()
        outputs = self._page.value(f"greycard.outputsFor('{words}')")
        return np.array([each[0] for each in outputs], np.float32)


class ModelOfPage:
    """The model in a page, run with LiteRT because no browser is here.

    Args:
        place: the page.
        reason: why it is not run in a browser.
    """

    def __init__(self, place: Path, reason: str) -> None:
        from greycard.backend.litert import LiteRT
        from greycard.deploy.export.web_page import model_in, stated_in

        page = place.read_bytes()
        self.reason, self._engine, self._row = reason, LiteRT(model_in(page)), int(stated_in(page)["row"])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """As `PageModel`."""
        import numpy as np

        return np.concatenate([self._engine(image[None])[:, : self._row] for image in images])


def _open(place: Path) -> Engine:
    if os.name == "nt":
        return ModelOfPage(place, "on Windows Greycard does not start a browser")
    from greycard.deploy.export.browser import BrowserError, BrowserPage, find_browser

    browser = find_browser()
    if browser is None:
        return ModelOfPage(place, "neither Chromium, Chrome nor Edge was found")
    try:
        page = BrowserPage(browser, place)
    except BrowserError as error:
        return ModelOfPage(place, f"{browser} does not start here ({error})")
    return PageModel(page)


def _expect() -> None:
    from greycard.deploy.export.web_runtime import expect_runtime

    expect_runtime()


def _not_checked(engine: Engine) -> str | None:
    return _NOT_RUN.format(engine.reason) if isinstance(engine, ModelOfPage) else None


HTML = Format("html", ".html", _write, _open, expect=_expect, not_checked=_not_checked)
