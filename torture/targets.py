"""What is fuzzed: for each target real inputs to begin with, and a function that may raise Greycard's errors alone.

python torture/targets.py TARGET CORPUS [libFuzzer's options]
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris
import numpy as np
from PIL import Image

with atheris.instrument_imports(include=["greycard", "zipfile", "csv", "json"]):
    from greycard.backend import configure
    from greycard.core.epoch import Epoch
    from greycard.core.errors import GreycardError
    from greycard.datasets.archives import unpack
    from greycard.datasets.arrays import read_csv, read_idx, read_npz
    from greycard.datasets.images import UnreadableImageError
    from greycard.datasets.manifest import load_manifest
    from greycard.pipeline.cache_entry import DamagedEntryError, EntrySpec, open_entry, write_record
    from greycard.pipeline.decode import decode
    from greycard.projects import find_project
    from greycard.recipe import Recipe
    from greycard.recipe.settings import parse_settings
    from greycard.reports.show import run_text
    from greycard.reports.table import make_table
    from greycard.runs.record import RunRecord
    from greycard.training.checkpoint import TrainState, newest_checkpoint, write_checkpoint

Target = tuple[list[bytes], Callable[[bytes], object]]
SCRATCH = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
PROJECT = find_project("digits-cnn").recipe


def image() -> Target:
    return [_image(kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")], lambda data: decode(
        data, (32, 32), 3
    )


def idx() -> Target:
    numbers = b"\0\0\x08\x03" + np.array([2, 3, 3], ">u4").tobytes() + bytes(18)
    labels = b"\0\0\x08\x01" + np.array([2], ">u4").tobytes() + bytes(2)
    return [numbers, labels], lambda data: read_idx([_file("a.idx", data)] * 4)


def npz() -> Target:
    stream = io.BytesIO()
    pixels, labels = np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.uint8)
    np.savez(stream, x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    return [stream.getvalue()], lambda data: read_npz(_file("a.npz", data))


def csv() -> Target:
    return [b"label,a,b,c,d\n1,0,0,255,3\n"], lambda data: read_csv([_file("a.csv", data)] * 2)


def zip() -> Target:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("pets/cats/1.jpg", "pets/dogs/1.jpg", "__MACOSX/x"):
            archive.writestr(name, bytes(300))

    def run(data: bytes) -> None:
        target = SCRATCH / "inside" / "unpacked"
        shutil.rmtree(target.parent, ignore_errors=True)
        try:
            unpack(_file("a.zip", data), "", target)
        finally:
            outside = {path.name for path in SCRATCH.iterdir()} - {"a.zip", "inside"}
            assert not outside, f"written outside: {outside}"

    return [stream.getvalue()], run


def manifest() -> Target:
    (SCRATCH / "1.jpg").write_bytes(_image("JPEG"))
    rows = ["path,label,split", "1.jpg,cat,train", "1.jpg,dog,train", "1.jpg,cat,validation", "1.jpg,dog,validation"]
    return ["\n".join(rows).encode()], lambda data: load_manifest(_file("a.csv", data))


def recipe() -> Target:
    return [json.dumps(PROJECT.to_json()).encode()], lambda data: Recipe.from_json(_json_object(data))


def setting() -> Target:
    words = [b"epochs=5", b"conv=32,64", b"rotation_range=20.5", b"augmentation=none", b"brightness_range=(0.5,1.5)"]
    return words, lambda data: PROJECT.replace(**parse_settings(data.decode("utf-8", "replace").split("\0")))


def run() -> Target:
    """Any of a finished run's JSON files, read by the table and by `show`."""
    files = {"R": "recipe.json", "E": "environment.json", "L": "labels.json", "S": "summary.json"}
    folder = _a_run()
    whole = {name: (folder / name).read_bytes() for name in files.values()}

    def read(data: bytes) -> None:
        name = files.get(data[:1].decode("latin-1"))
        if name:
            _restored(folder, whole)
            (folder / name).write_bytes(data[1:])
            make_table([RunRecord(folder)]).render("text", None)
            run_text(RunRecord(folder))

    return [letter.encode() + whole[name] for letter, name in files.items()], read


def history() -> Target:
    folder = _a_run()
    lines = (folder / "history.jsonl").read_bytes()

    def read(data: bytes) -> None:
        (folder / "history.jsonl").write_bytes(data)
        run_text(RunRecord(folder))

    return [lines], read


def predictions() -> Target:
    folder = _a_run()
    content = (folder / "predictions.npz").read_bytes()

    def read(data: bytes) -> None:
        (folder / "predictions.npz").write_bytes(data)
        run_text(RunRecord(folder))

    return [content], read


def checkpoint() -> Target:
    """Whole as to its digest, so that its inside is looked at."""
    folder = SCRATCH / "checkpoint"
    folder.mkdir()
    epoch = Epoch(epoch=1, train_loss=1.0, val_loss=1.0, seconds=1.0, train_seconds=0.5, val_seconds=0.5)
    state = TrainState("x", epoch=1, batch=2, history=[epoch])
    write_checkpoint(folder, state, [np.zeros((3, 2), np.float32)])
    content = (folder / "000001-00000002.checkpoint").read_bytes()[: -hashlib.sha256().digest_size]

    def read(data: bytes) -> None:
        (folder / "000001-00000002.checkpoint").write_bytes(data + hashlib.sha256(data).digest())
        newest_checkpoint(folder)

    return [content], read


def cache() -> Target:
    """An entry's record and array; whatever is not exactly what was written must be refused."""
    folder = SCRATCH / "entry"
    folder.mkdir()
    wanted = EntrySpec(folder, (2, 2), np.dtype("uint8"), "")
    np.save(folder / "array.npy", np.zeros((2, 2), np.uint8))
    write_record(folder, wanted, {"left_out": []})

    def read(data: bytes) -> None:
        (folder / "entry.json").write_bytes(data)
        open_entry(wanted)

    return [(folder / "entry.json").read_bytes()], read


def http() -> Target:
    """A request's target, content type and body, through the whole server."""
    from starlette.testclient import TestClient

    from greycard.deploy.serve.app import make_app
    from greycard.deploy.serve.limits import Limits
    from greycard.deploy.serve.models import make_ready
    from greycard.jobs.open_run import Run

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = Run(_a_run())
        client = TestClient(make_app(make_ready([(opened, opened.classifier)]), limits=Limits()))
    client.__enter__()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + _image("PNG")
        + b"\r\n--x--\r\n"
    )

    def read(data: bytes) -> None:
        query, kind, content = [*data.split(b"\n", 2), b"", b""][:3]
        headers = {b"content-type": kind.replace(b"\r", b"").replace(b"\0", b"")}
        params = query.decode("utf-8", "replace")[:200]
        answer = client.post(
            "/api/predict", params={"model": params} if params else {}, content=content, headers=headers
        )
        assert answer.status_code < 500, answer.text

    return [
        b"\nimage/png\n" + _image("PNG"),
        b"\nmultipart/form-data; boundary=x\n" + body,
        b"x\ntext/html\n<html>",
    ], read


def _a_run() -> Path:
    """A finished run, trained for the occasion."""
    import greycard

    configure()
    warnings.simplefilter("ignore")
    run = greycard.train("digits-cnn", out=SCRATCH / "runs", epochs=1, train_limit=60, val_limit=40, quiet=True)
    return run.path


def _restored(folder: Path, whole: dict[str, bytes]) -> None:
    for name, content in whole.items():
        (folder / name).write_bytes(content)


def _image(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)).save(stream, kind)
    return stream.getvalue()


def _file(name: str, data: bytes) -> Path:
    path = SCRATCH / name
    path.write_bytes(data)
    return path


def _json_object(data: bytes) -> dict[str, object]:
    """What the recipe's readers hand on: any JSON object."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _fuzz(name: str, corpus: Path) -> None:
    seeds, read = globals()[name]()
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def once(data: bytes) -> None:
        with warnings.catch_warnings(), suppress(GreycardError, UnreadableImageError, DamagedEntryError):
            warnings.simplefilter("ignore")
            read(data)

    atheris.Setup([sys.argv[0], *sys.argv[3:], str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    try:
        _fuzz(sys.argv[1], Path(sys.argv[2]))
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
