<<<<<<< HEAD
"""Export formats: how to write each one, and how to run it for the parity check."""
=======
"""The table of export formats. Importing it loads neither Keras nor NumPy: `--help` lists the names."""
>>>>>>> w/files

from __future__ import annotations

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.deploy.export.format import Format
from greycard.deploy.export.keras_file import KERAS
from greycard.deploy.export.litert import LITERT, LITERT_INT8
from greycard.deploy.export.onnx import ONNX
from greycard.deploy.export.saved_model import SAVED_MODEL

FORMATS: tuple[Format, ...] = (KERAS, SAVED_MODEL, LITERT, LITERT_INT8, ONNX)

<<<<<<< HEAD

@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: value of `--format`.
        ending: file extension; a SavedModel is a folder.
        write: writes the model to a path; the third argument is training images uint8 (n, height, width, channels),
            for int8 quantization.
        open: loads an export as a function of images.
        exact: True to compare its probabilities with the original's, False to compare its accuracy.
        needs: additional packages.
        tensorflow: True if only the TensorFlow backend can write it.
    """

    name: str
    ending: str
    write: Writer
    open: Opener
    exact: bool = True
    needs: tuple[str, ...] = ()
    tensorflow: bool = True

    @property
    def suffix(self) -> str:
        """The required file extension; empty for a folder."""
        return "".join(self.ending.rpartition(".")[1:]) if "." in self.ending else ""

    def expect_possible(self) -> None:
        """Raise GreycardError if a package is missing or the backend cannot write this format."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            raise GreycardError(
                f"exporting to {self.name} needs {' and '.join(missing)}", hint='pip install "greycard[onnx]"'
            )
        if self.tensorflow and keras.backend.backend() != "tensorflow":
            raise GreycardError(
                f"exporting to {self.name} needs the TensorFlow backend. Received: {keras.backend.backend()}",
                hint="unset KERAS_BACKEND; TensorFlow can read the runs of every backend",
            )


def _write_keras(model: keras.Model, place: Path, _: np.ndarray) -> None:
    model.save(place)


def _open_keras(place: Path) -> Engine:
    return by_keras(keras.saving.load_model(place, compile=False, safe_mode=True))


def _write_saved_model(model: keras.Model, place: Path, _: np.ndarray) -> None:
    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.export(place, format="tf_saved_model", verbose=False)


def _open_saved_model(place: Path) -> Engine:
    layer = keras.layers.TFSMLayer(place, call_endpoint="serving_default")
    return lambda images: np.asarray(next(iter(layer(images).values())))


def _write_litert(model: keras.Model, place: Path, _: np.ndarray) -> None:
    place.write_bytes(convert(model))


def _write_litert_int8(model: keras.Model, place: Path, images: np.ndarray) -> None:
    place.write_bytes(convert(model, images))


def _write_onnx(model: keras.Model, place: Path, _: np.ndarray) -> None:
    model.predict_on_batch(
        np.zeros((1, *model.input_shape[1:]), np.uint8)
    )  # Keras exports only functions that have been called
    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.export(place, format="onnx", verbose=False)


def _open_onnx(place: Path) -> Engine:
    import onnxruntime

    threads, options = thread_count(), onnxruntime.SessionOptions()
    if threads.limited:  # else onnxruntime's default, which leaves hyper-threads out
        options.intra_op_num_threads = threads.count
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


FORMATS: Sequence[Format] = (
    Format("keras", ".keras", _write_keras, _open_keras, tensorflow=False),
    Format("saved-model", "-saved-model", _write_saved_model, _open_saved_model),
    Format("litert", ".tflite", _write_litert, LiteRT),
    Format("litert-int8", "-int8.tflite", _write_litert_int8, LiteRT, exact=False),
    Format("onnx", ".onnx", _write_onnx, _open_onnx, needs=("onnx", "tf2onnx", "onnxruntime")),
)
=======
NAMES = tuple(each.name for each in FORMATS)
>>>>>>> w/files


def find_format(name: str) -> Format:
    """The format with this name; GreycardError if there is none."""
    found = next((each for each in FORMATS if each.name == name), None)
    if found is None:
        hint = did_you_mean(name, NAMES, f"the formats are {', '.join(NAMES)}")
        raise GreycardError(f"there is no export format {name!r}", hint=hint)
    return found
