"""The user's own settings of Keras, Matplotlib, the terminal and the home folder neither break nor change anything."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import matplotlib
import pytest

import greycard
from conftest import an_epoch, image, make_folder
from greycard.backend.keras_settings import chosen_backend, expect_settings, without_user_settings
from greycard.cli.endings import caused_by
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.core.paths import cache_dir, weights_dir
from greycard.reports.drawing import as_png
from greycard.reports.figures import confusion, learning_curves
from greycard.reports.svg import inline_svg
from greycard.training.interruption import EndedError, Interruption

HISTORY = [an_epoch(n, train_loss=1 / n, val_loss=1 / n) for n in (1, 2)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = make_folder(tmp_path_factory.mktemp("data") / "images", ("train", "validation"), ("dark", "light"), 6)
    changes = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
    return greycard.train(data, weights="none", out=tmp_path_factory.mktemp("runs"), quiet=True, **changes).path


def _command(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "greycard", *map(str, words)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)


def _keras_json(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("KERAS_HOME", str(Path("keras").absolute()))
    Path("keras").mkdir(exist_ok=True)
    Path("keras", "keras.json").write_text(content, encoding="utf-8")


@pytest.mark.slow
def test_a_command_with_everything_set_otherwise(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process for many settings, since each takes Keras's start: none of them may matter."""
    Path("home", ".keras").mkdir(parents=True)
    other = {"floatx": "float64", "image_data_format": "channels_first", "epsilon": 0.5, "nnx_enabled": True}
    Path("home", ".keras", "keras.json").write_text(json.dumps(other), encoding="utf-8")
    Path("matplotlibrc").write_text("text.usetex: True\nfont.size: 40\nbackend: Qt5Agg\nbogus: 1\n", encoding="utf-8")
    image(1, 40).save("猫.png")
    environment = {"HOME": str(Path("home").absolute()), "MPLBACKEND": "module://no.such.backend"}
    environment |= {"KERAS_MAX_STEPS_PER_EPOCH": "0", "KERAS_BACKEND": " TensorFlow ", "TF_USE_LEGACY_KERAS": "1"}
    environment |= {
        "PYTHONWARNINGS": "error",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "TERM": "dumb",
        "COLUMNS": "1",
    }
    monkeypatch.delenv("KERAS_HOME")
    said = _command("explain", run, "猫.png", **environment)
    assert (said.returncode, said.stderr) == (0, "")
    assert (run / "explain" / "猫-heat.png").is_file()


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"floatx": "bfloat16"}', '{"epsilon": 1}', '{"image_data_format": "channels_first"}']
)
def test_a_keras_json_that_asks_for_something_else_is_not_read(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _keras_json(monkeypatch, content)
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    before = dict(os.environ)
    with without_user_settings():
        assert not Path(os.environ["KERAS_HOME"], "keras.json").exists()
        assert "KERAS_MAX_EPOCHS" not in os.environ
    assert dict(os.environ) == before


def test_a_keras_json_that_says_what_we_need_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _keras_json(monkeypatch, '{"floatx": "float32", "backend": "tensorflow"}')
    with without_user_settings():
        assert os.environ["KERAS_HOME"] == str(Path("keras").absolute())


@pytest.mark.parametrize("named", ["TensorFlow", " tensorflow ", ""])
def test_the_backend_is_taken_however_it_is_spelled(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", named)
    assert chosen_backend() == "tensorflow"


def test_a_backend_in_keras_json_is_used_or_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    _keras_json(monkeypatch, '{"backend": "theano"}')
    with pytest.raises(GreycardError, match=r"backend in .*keras.json must be one of tensorflow, jax, torch"):
        chosen_backend()
    _keras_json(monkeypatch, '{"backend": "jax"}')
    monkeypatch.setattr("greycard.backend.keras_settings.find_spec", lambda name: None)
    with pytest.raises(GreycardError, match="jax is not installed"):
        chosen_backend()
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("name", "other"),
    [("floatx", "float16"), ("image_data_format", "channels_first"), ("epsilon", 0.1), ("max_epochs", 1)],
)
def test_a_program_that_has_set_keras_otherwise_is_told(name: str, other: object) -> None:
    import keras

    before, change = getattr(keras.config, name)(), getattr(keras.config, f"set_{name}")
    change(other)
    try:
        with pytest.raises(GreycardError, match=f"Keras has {name}="):
            expect_settings()
    finally:
        change(before)
    expect_settings()


def test_figures_are_the_same_under_another_matplotlibrc() -> None:
    def drawn() -> tuple[bytes, bytes, str]:
        curves, matrix = learning_curves({"a": HISTORY}), confusion([[1, 2], [3, 4]], ["one", "two"])
        return as_png(curves), as_png(matrix), inline_svg(curves, "curves")

    expected = drawn()
    other = {"font.size": 40, "text.usetex": True, "axes.grid": True, "savefig.bbox": "tight", "lines.linewidth": 9}
    with matplotlib.rc_context({**other, "font.family": "no such font", "svg.fonttype": "path"}):
        assert drawn() == expected
        assert matplotlib.rcParams["font.size"] == 40


def test_a_figure_needs_no_backend_of_the_users() -> None:
    assert type(learning_curves({"a": HISTORY}).canvas).__name__ == "FigureCanvasAgg"


def test_a_user_without_a_home_gets_no_folder_named_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "GREYCARD_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert cache_dir().is_absolute()
    assert weights_dir().is_absolute()


@pytest.mark.parametrize("words", [("projects",), ("--help",), ("table",), ("show",), ("card",), ("predict",)])
def test_a_reader_that_has_gone_ends_a_command_quietly(words: tuple[str, ...], run: Path, cli, monkeypatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    image(1, 40).save("one.png")
    more = {"show": [run], "card": [run], "predict": [run, "one.png"], "table": ["--out", run.parent]}
    monkeypatch.setattr("sys.stdout", Gone())
    said = cli(*words, *more.get(words[0], []))
    assert (said.code, said.err) == (0, "")


def test_head_of_a_pipe_is_quiet_until_the_end_of_the_process() -> None:
    command = f"{sys.executable} -m greycard projects 2>err | true; echo ${{PIPESTATUS[0]}}"
    code = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert (code.strip() in ("0", "141"), Path("err").read_text()) == (True, "")


def test_an_interruption_is_found_in_what_libraries_made_of_it(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrapped() -> None:
        try:
            raise ImportError("initialization failed") from KeyboardInterrupt()
        except ImportError as error:
            raise GreycardError("it cannot be loaded", hint="train it again") from error

    monkeypatch.setattr(import_module("greycard.projects"), "projects", wrapped)
    said = cli("projects")
    assert (said.code, said.err) == (130, "interrupted\n")
    assert caused_by(ValueError(), KeyboardInterrupt) is None


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_lets_a_command_remove_its_drafts(name: str, code: int, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "greycard.synthetic.sample._write_class", lambda *_: os.kill(os.getpid(), getattr(signal, name))
    )
    said = cli("sample", "pets")
    assert (said.code, said.err) == (code, "interrupted\n")
    assert os.listdir() == []


def test_hanging_up_asks_once_however_often_it_comes() -> None:
    def hang_up() -> None:
        with Interruption().awaited():
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGHUP)
            heard.append(True)

    heard: list[bool] = []
    with pytest.raises(EndedError) as ended:
        hang_up()
    assert (ended.value.number, heard) == (signal.SIGHUP, [True])


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        interruption = Interruption()
        with interruption.awaited():
            os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.received == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_hanging_up_saves_the_run(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from greycard.runs.directory import RunDirectory

    append = RunDirectory.append_history

    def hang_up_after_the_second(self: RunDirectory, epoch: Epoch) -> None:
        append(self, epoch)
        if epoch.epoch == 2:
            os.kill(os.getpid(), signal.SIGHUP)

    monkeypatch.setattr(RunDirectory, "append_history", hang_up_after_the_second)
    said = cli("run", "digits-cnn", "--set", "train_limit=100", "--quiet")
    assert said.code == 129
    assert "runs/digits-cnn-1 is saved" in said.err


def test_training_goes_on_without_a_terminal(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.stderr", Closed())
    said = cli("run", "digits-cnn", "--set", "train_limit=100", "--epochs", "1")
    assert said.code == 0
    assert Path("runs", "digits-cnn-1", "summary.json").is_file()


@pytest.mark.parametrize("thread", [False, True])
def test_serving_where_an_event_loop_runs(thread: bool, run: Path) -> None:
    """A notebook's cell is interrupted; in a thread of one's own the server is there until the process ends."""
    import asyncio
    import urllib.request

    answered: list[int] = []

    def ask(address: str) -> None:
        def get() -> None:
            answered.append(urllib.request.urlopen(f"{address}health", timeout=60).status)
            if not thread:
                os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=get).start()

    async def cell() -> None:
        greycard.serve(str(run), port=0, on_ready=ask)

    if thread:
        threading.Thread(target=lambda: asyncio.run(cell()), daemon=True).start()
        end = time.monotonic() + 60
        while not answered and time.monotonic() < end:
            time.sleep(0.05)
    else:
        asyncio.run(cell())
    assert answered == [200]


def test_an_interruption_that_an_import_has_swallowed_comes_again() -> None:
    from greycard.backend.start import _interruption_kept

    def swallowed(*, then: type[Exception] | None) -> None:
        with _interruption_kept():
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            except KeyboardInterrupt:
                if then:
                    raise then("no such package") from None

    for then in (None, ImportError):
        with pytest.raises(KeyboardInterrupt):
            swallowed(then=then)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
