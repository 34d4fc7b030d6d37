"""What is decoded once is found by the next run: the same pixels, changes noticed, bounds kept, accidents survived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import image, make_folder
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.datasets.dataset import Split
from greycard.pipeline import array_split, cache, cache_room
from greycard.pipeline.array_split import ArraySplit, load_arrays
from greycard.pipeline.cache import cached_array, clear, drop_pages, entries

SIZE = (20, 24)


@pytest.fixture
def root() -> Path:
    return Path(os.environ["GREYCARD_CACHE"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "pets", (".",), ("cat", "dog"), 4)


def load(folder: Path, size: tuple[int, int] = SIZE, channels: int = 3, **options: Any) -> ArraySplit:
    paths = tuple(sorted(folder.rglob("*.jpg")))
    ids = tuple(path.relative_to(folder).as_posix() for path in paths)
    return load_arrays(Split(ids, np.arange(len(paths)), paths), size, channels, **options)


def keep(key: str, value: int = 1, count: int = 4, kind: str = "pixels") -> tuple[np.ndarray, bool]:
    """An array of `count` kilobytes, all of one value, through the cache; and whether it was there."""

    def fill(array: np.ndarray) -> dict[str, Any]:
        array[:] = value
        return {"value": value}

    array, facts, hit = cached_array(kind, key, shape=(count, 1000), dtype="uint8", about=f"array {key}", fill=fill)
    assert not array.flags.writeable
    assert facts["value"] == array.min() == array.max()
    return array, hit


def building(root: Path) -> list[Path]:
    return list(root.glob("*/.building-*"))


# The same images again


def test_the_second_load_decodes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    first = load(folder, on_image=lambda: decoded.append(1))
    assert (first.cached, len(decoded)) == (False, 8)
    monkeypatch.setattr(array_split, "decode", lambda *_: pytest.fail("decoded again"))
    second = load(folder, on_image=lambda: pytest.fail("told of a decoded image"))
    assert second.cached
    assert np.array_equal(first.images, second.images)
    assert (first.ids, first.digest) == (second.ids, second.digest)
    assert np.array_equal(first.labels, second.labels)


def test_the_command_line_shows_the_same_images_again(cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = []
    for _ in range(2):
        assert cli("show", folder, "--augmented").code == 0
        sheets.append(Path("runs/pets-augmented.png").read_bytes())
        monkeypatch.setattr(array_split, "decode", lambda *_: pytest.fail("decoded again"))
    assert sheets[0] == sheets[1]


def test_the_same_content_elsewhere_is_found(folder: Path, tmp_path: Path) -> None:
    load(folder)
    folder.rename(tmp_path / "moved")
    assert load(tmp_path / "moved").cached


def _change(folder: Path) -> None:
    image(999).save(folder / "cat" / "001.jpg")


def _touch_one_bit(folder: Path) -> None:
    path = folder / "cat" / "001.jpg"
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a change that size and time do not tell


@pytest.mark.parametrize(
    "change",
    [
        _change,
        _touch_one_bit,
        lambda folder: image(999).save(folder / "dog" / "004.jpg"),
        lambda folder: (folder / "cat" / "000.jpg").unlink(),
        lambda folder: (folder / "cat" / "000.jpg").rename(folder / "cat" / "009.jpg"),
        lambda folder: (folder / "cat" / "000.jpg").rename(folder / "dog" / "000b.jpg"),
    ],
    ids=["changed", "one-bit", "added", "removed", "renamed", "other-class"],
)
def test_a_change_is_noticed(change: Callable[[Path], object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(folder)
    change(folder)
    after = load(folder)
    assert not after.cached
    assert after.digest != before.digest
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "0")
    assert np.array_equal(after.images, load(folder).images)


def test_size_channels_decoder_and_pillow_are_part_of_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(folder)
    assert not load(folder, (24, 20)).cached
    assert not load(folder, channels=1).cached
    with monkeypatch.context() as changed:
        changed.setattr(array_split, "POLICY", array_split.POLICY + 1)
        assert not load(folder).cached
    monkeypatch.setattr("PIL.__version__", "0.1")
    assert not load(folder).cached


# Files that are no images


def test_damaged_images_are_named_by_the_cache_too(folder: Path) -> None:
    good = load(folder).images
    for name in ("cat/000.jpg", "dog/002.jpg"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:700])
    (folder / "dog" / "003.jpg").write_bytes(b"")
    first, second = load(folder), load(folder)
    assert (first.cached, second.cached) == (False, True)
    assert [item.id for item in first.left_out] == ["cat/000.jpg", "dog/002.jpg", "dog/003.jpg"]
    assert first.left_out == second.left_out
    assert second.labels.tolist() == [1, 2, 3, 4, 5]
    assert np.array_equal(second.images, good[[1, 2, 3, 4, 5]])
    assert np.array_equal(second.images, first.images)


def test_a_file_that_vanished_is_left_out(folder: Path) -> None:
    paths = (*sorted((folder / "cat").iterdir()), folder / "cat" / "none.jpg", folder / "dog")
    loaded = load_arrays(Split(tuple(map(str, range(6))), np.arange(6), paths), SIZE, 3)
    assert [(item.id, item.reason) for item in loaded.left_out] == [
        ("4", "No such file or directory"),
        ("5", "Is a directory"),
    ]
    assert len(loaded) == len(loaded.images) == 4


@pytest.mark.parametrize("change", [_change, lambda folder: (folder / "cat" / "001.jpg").unlink()])
def test_a_file_that_changes_meanwhile_is_never_kept(
    change: Callable[[Path], object], folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_into = array_split._decode_into

    def change_first(*arguments: Any) -> dict[str, Any]:
        change(folder)
        return decode_into(*arguments)

    monkeypatch.setattr(array_split, "_decode_into", change_first)
    with pytest.raises(GreycardError, match=r"001\.jpg changed while it was read"):
        load(folder)
    assert not entries()
    assert not building(root)


def test_too_little_memory_is_no_fact_about_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise array_split.UnreadableImageError("MemoryError") from MemoryError()

    with monkeypatch.context() as changed:
        changed.setattr(array_split, "decode", fails)
        with pytest.raises(GreycardError, match="too little memory"):
            load(folder)
    assert not load(folder).left_out


# In memory or mapped


def test_small_splits_are_copied_and_large_ones_stay_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = load(folder).images
    monkeypatch.setattr(array_split, "IN_MEMORY_BYTES", 100)
    large = load(folder).images
    assert type(small) is np.ndarray
    assert isinstance(large, np.memmap)
    assert not large.flags.writeable
    assert np.array_equal(small, large)


def test_arrays_have_a_digest_and_no_entry() -> None:
    images = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8)
    split = Split(("0", "1"), np.array([0, 1]), images)
    loaded = load_arrays(split, (8, 8), 1)
    assert len(loaded.digest) == 64
    assert loaded.digest == load_arrays(split, (8, 8), 1).digest
    others = [load_arrays(split, (6, 8), 1), load_arrays(split, (8, 8), 3), load_arrays(split, (8, 8), 1, resize="pad")]
    others.append(load_arrays(Split(split.ids, split.labels, images + 1), (8, 8), 1))
    assert len({loaded.digest, *(other.digest for other in others)}) == 5
    assert not any(each.cached for each in (loaded, *others))
    assert entries() == []


def _resident_kilobytes(array: np.ndarray) -> int:
    """How much of a mapped array this process holds, from the kernel's own account."""
    start, inside = f"{array.ctypes.data & ~0xFFF:x}-", False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            inside = line.startswith(start)
        elif inside and line.startswith("Rss:"):
            return int(line.split()[1])
    raise AssertionError("the array is not mapped")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_release_gives_memory_back_and_keeps_the_data() -> None:
    keep("a", 7, count=4000)
    array, hit = keep("a", 7, count=4000)
    assert hit
    before = _resident_kilobytes(array)
    drop_pages(array[3:])
    assert before > 3000
    assert _resident_kilobytes(array) < 100
    assert array.max() == array.min() == 7


def test_release_leaves_other_arrays_alone(tmp_path: Path) -> None:
    plain = np.full(5000, 3)
    np.save(tmp_path / "file.npy", plain)
    private = np.load(tmp_path / "file.npy", mmap_mode="c")
    private[:] = 4
    written = np.load(tmp_path / "file.npy", mmap_mode="r+")
    written[:] = 5
    for array in (plain, plain[2:], private, written):
        drop_pages(array)
    assert (plain.max(), private.min(), written.min()) == (3, 4, 5)


# Whatever is filled in comes back

ARRAYS = hnp.arrays(
    st.sampled_from(["uint8", "float16", "float32", "int64"]), hnp.array_shapes(min_dims=1, max_dims=4, min_side=0)
)


@given(ARRAYS)
@settings(max_examples=40)
def test_what_fill_wrote_is_what_comes_back(wanted: np.ndarray) -> None:
    def fill(array: np.ndarray) -> dict[str, Any]:
        array[...] = wanted
        return {"some": ["facts", 1, None, "caf\u00e9", "\udcff"]}

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREYCARD_CACHE", folder)
        told = {"shape": wanted.shape, "dtype": wanted.dtype.name, "about": "\udcff"}
        made, facts, hit = cached_array("features", "key", fill=fill, **told)
        again, same_facts, hit_again = cached_array("features", "key", fill=lambda _: pytest.fail("filled"), **told)
    assert (hit, hit_again) == (False, True)
    assert made.tobytes() == again.tobytes() == wanted.tobytes()
    assert (again.shape, again.dtype) == (wanted.shape, wanted.dtype)
    assert facts == same_facts == {"some": ["facts", 1, None, "caf\u00e9", "\udcff"]}


# Accidents


def test_a_fill_that_fails_leaves_nothing(root: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        cached_array("pixels", "a", shape=(3,), dtype="uint8", about="a", fill=lambda _: {"half": 1 / 0})
    assert not entries()
    assert not building(root)
    assert keep("a")[1] is False


FILLING = """
import sys
from greycard.pipeline.cache import cached_array

def fill(array):
    array[:2] = int(sys.argv[2])
    print("filling", flush=True)
    sys.stdin.readline()
    array[:] = int(sys.argv[2])
    return {"value": int(sys.argv[2])}

array, facts, hit = cached_array("pixels", sys.argv[1], shape=(4, 1000), dtype="uint8", about="a", fill=fill)
print(int(array.min()), int(array.max()), facts["value"], hit, flush=True)
"""


@pytest.fixture
def filling() -> Iterator[Callable[[str, int], subprocess.Popen[str]]]:
    """Start processes that build an entry and wait in the middle of it for a line on stdin."""
    started: list[subprocess.Popen[str]] = []

    def start(key: str, value: int) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", FILLING, key, str(value)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "filling\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_build_starts_clean_and_its_leftovers_go(filling, root: Path) -> None:
    process = filling("a", 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = building(root)
    assert len(left) == 1
    assert not entries()
    keep("b")
    assert not building(root)
    assert keep("a", 6)[1] is False
    assert [entry.key for entry in entries()] == ["a", "b"]


def test_a_build_that_is_alive_is_left_alone(filling, root: Path) -> None:
    process = filling("a", 5)
    keep("b")
    clear()
    assert len(building(root)) == 1
    assert process.communicate("\n")[0] == "5 5 5 False\n"
    assert keep("a", 9)[0].max() == 5


def test_two_processes_build_the_same_at_once(filling, root: Path) -> None:
    first, second = filling("a", 5), filling("a", 6)
    assert len(building(root)) == 2
    assert second.communicate("\n")[0] == "6 6 6 False\n"
    assert first.communicate("\n")[0] == "6 6 6 False\n", "the loser uses the winner's"
    assert not building(root)
    assert [entry.key for entry in entries()] == ["a"]
    assert keep("a", 9)[1] is True


def _truncate(folder: Path) -> None:
    os.truncate(folder / "array.npy", 2000)


def _overwrite(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def _damage_header(folder: Path) -> None:
    data = (folder / "array.npy").read_bytes()
    (folder / "array.npy").write_bytes(data.replace(b"descr", b"dexcr", 1))


def _say_in_record(**changed: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "entry.json").read_text())
        (folder / "entry.json").write_text(json.dumps(record | changed))

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _damage_header,
        _overwrite("array.npy", b""),
        _overwrite("entry.json", b"{"),
        _overwrite("entry.json", b"[]"),
        _overwrite("entry.json", b"\xff\xfe"),
        _say_in_record(schema=99),
        _say_in_record(bytes=1),
        _say_in_record(facts=None),
        lambda folder: (folder / "array.npy").unlink(),
        lambda folder: (folder / "entry.json").unlink(),
    ],
)
def test_a_damaged_entry_is_told_and_made_anew(damage: Callable[[Path], object], root: Path) -> None:
    keep("a")
    damage(root / "pixels" / "a")
    entries()
    with pytest.warns(GreycardWarning, match="the cached data of array a is damaged .* computed again"):
        assert keep("a", 2)[1] is False
    assert keep("a", 3) == (pytest.approx(np.full((4, 1000), 2)), True)


@pytest.mark.parametrize(("shape", "dtype"), [((1000, 4), "uint8"), ((4, 1000), "int8"), ((4, 125), "float64")])
def test_another_shape_or_dtype_than_asked_for_is_damage(shape: tuple[int, int], dtype: str) -> None:
    keep("a")
    with pytest.warns(GreycardWarning, match="damaged"):
        array, _, hit = cached_array("pixels", "a", shape=shape, dtype=dtype, about="a", fill=lambda _: {})
    assert (array.shape, array.dtype.name, hit) == (shape, dtype, False)


# Bounds


def test_the_least_recently_used_go_first(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    for age, key in enumerate("abc"):
        keep(key)
        os.utime(root / "pixels" / key / "entry.json", (1000 + age, 1000 + age))
    assert keep("a")[1]
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "0.000013")  # three of 4.3 kB each
    keep("d", kind="features")
    assert [entry.key for entry in entries()] == ["d", "a", "c"]
    keep("e", count=12)
    assert [entry.key for entry in entries()] == ["e"]


def test_what_is_in_use_can_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("a", 7)
    array, _ = keep("a", 7)
    clear()
    assert array.max() == 7


def test_other_things_in_the_cache_folder_are_never_removed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [root / "letters" / "mine" / "a.txt", root / "pixels" / "mine" / "b.txt", root / "pixels" / "c.txt"]
    others += [root / "letters" / ".building-site" / "plan.txt", root / "letters" / "deep" / "er" / "array.npy"]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("dear")
    (root / "letters" / "empty").mkdir()
    keep("a")
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "5e-6")
    keep("b")
    assert [entry.key for entry in entries()] == ["b"]
    assert 4128 < clear() < 4500
    assert all(path.read_text() == "dear" for path in others)
    assert (root / "letters" / "empty").is_dir()


def _too_small_a_limit(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "1e-6")
    return "it takes 4e-06 GB, more than GREYCARD_CACHE_LIMIT=1e-06"


def _full_disk(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(cache_room, "KEEP_FREE_BYTES", 1 << 62)
    return "the disk is nearly full"


def _disk_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> str:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("greycard.pipeline.cache_entry.reserve_space", fails)
    return "because No space left on device"


def _file_in_the_way(monkeypatch: pytest.MonkeyPatch) -> str:
    Path("a-file").touch()
    monkeypatch.setenv("GREYCARD_CACHE", "a-file/cache")
    return "a-file/cache: Not a directory"


def _read_only_folder(monkeypatch: pytest.MonkeyPatch) -> str:
    Path("closed").mkdir(mode=0o555)
    if os.access("closed", os.W_OK):
        pytest.skip("this user, root, may write everywhere")
    monkeypatch.setenv("GREYCARD_CACHE", "closed/cache")
    return "Permission denied"


def _record_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> str:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(cache, "write_record", fails)
    return "because Input/output error"


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    "prepare",
    [
        _too_small_a_limit,
        _full_disk,
        _disk_that_fills_up,
        _file_in_the_way,
        _read_only_folder,
        _record_that_cannot_be_written,
    ],
)
def test_without_a_cache_it_works_and_says_why(
    prepare: Callable[[pytest.MonkeyPatch], str], mapped: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = prepare(monkeypatch)
    monkeypatch.setattr(cache, "IN_MEMORY_BYTES", 100 if mapped else 1 << 20)
    with pytest.warns(GreycardWarning) as told:
        assert keep("a", 3)[1] is False
    assert len(told) == 1
    assert "array a: not cached for the next run, because" in str(told[0].message)
    assert why in str(told[0].message)
    assert not building(root)
    assert not entries()


def test_a_cache_that_may_only_be_read_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    keep("a")
    monkeypatch.setattr(os, "utime", fails)
    assert keep("a")[1] is True


def test_a_limit_of_zero_keeps_nothing_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("a", 1)
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "0")
    assert keep("a", 2)[0].max() == 2
    assert keep("b", 2)[1] is False
    assert [entry.key for entry in entries()] == ["a"]


@pytest.mark.parametrize("words", ["many", "-1", "nan", "inf", "20 GB"])
def test_a_bad_limit_is_an_error_with_a_hint(words: str, monkeypatch: pytest.MonkeyPatch, cli) -> None:
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", words)
    with pytest.raises(GreycardError, match="GREYCARD_CACHE_LIMIT must be a number of GB") as error:
        keep("a")
    assert error.value.hint
    assert cli("cache").code == 2


# The command line


def test_the_command_lists_and_clears(cli, folder: Path, root: Path) -> None:
    assert cli("cache").out == f"0 entries, 0.0 MB of at most 20 GB, in {root}\n"
    assert cli("cache", "clear").out == f"0.0 MB freed in {root}\n"
    assert not root.exists(), "looking makes no folder"
    load(folder, (100, 120))
    keep("a", kind="features", count=2500)
    listed = cli("cache")
    assert listed.code == 0
    for words in ("last used", "pixels", f"8 images in {folder}", "8 × 100 × 120 × 3", "0.3 MB", "2.5 MB"):
        assert words in listed.out
    assert f"2 entries, 2.8 MB of at most 20 GB, in {root}" in listed.out
    assert cli("cache", "clear", "pixels").out == f"0.3 MB freed in {root}\n"
    assert [entry.kind for entry in entries()] == ["features"]
    assert cli("cache", "clear").out == f"2.5 MB freed in {root}\n"
    assert entries() == []
    assert cli("cache", "clear", "everything").code == 2


def test_the_list_as_data(cli, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("a")
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "0.5")
    outcome = cli("cache", "--format", "json")
    said = json.loads(outcome.out)
    assert (said["folder"], said["limit_bytes"]) == (str(root), 500_000_000)
    (entry,) = said["entries"]
    assert entry.keys() == {"kind", "key", "about", "shape", "bytes", "created", "used"}
    assert (entry["kind"], entry["key"], entry["shape"], entry["bytes"]) == ("pixels", "a", [4, 1000], 4128)


def test_info_shows_the_folder_and_its_size(cli, root: Path) -> None:
    assert f"cache folder     {root} (does not exist yet)\n" in cli("info").out
    keep("a", count=1500)
    assert f"cache folder     {root} (1.5 MB)\n" in cli("info").out


def test_a_file_as_the_cache_folder_is_an_error(cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a-file").touch()
    monkeypatch.setenv("GREYCARD_CACHE", "a-file")
    outcome = cli("show", folder, "--augmented")
    assert outcome.code == 2
    assert "GREYCARD_CACHE must name a folder" in outcome.err
    assert "hint:" in outcome.err
    assert "GREYCARD_CACHE must name a folder" in cli("info").out


def test_a_warning_reaches_the_terminal_as_a_note(cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "1e-6")
    outcome = cli("show", folder, "--augmented")
    assert outcome.code == 0
    assert f"note: 6 images in {folder}: not cached for the next run, because" in outcome.err


def test_nothing_is_said_when_all_is_well(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        load(folder)
        load(folder)
    assert not told
