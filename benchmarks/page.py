"""The tables of docs/benchmarks.md and docs/check.md. Every figure is from a file in `results/`; no file, no section.

`docs/generate.py` loads this file by its path, so it imports no other script of this folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import geometric_mean, mean, stdev
from typing import Any

import numpy as np
from scipy.stats import t as student

from greycard.projects import find_project
from greycard.reports.columns import percent, seconds

Row = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
SPEED, DOCTOR = RESULTS / "speed", RESULTS / "doctor"
_LINK = "../benchmarks/results"


def page(folder: Path = SPEED) -> str:
    """All sections of docs/benchmarks.md for which a result file has rows."""
    return "\n\n".join(section for title, name, make in SECTIONS if (section := _section(folder, title, name, make)))


def doctor_page(folder: Path = DOCTOR) -> str:
    """The tables about `greycard check`, for docs/check.md."""
    found = (_section(folder, title, name, make, "###") for title, name, make in DOCTOR_SECTIONS)
    return "\n\n".join(section for section in found if section)


def _section(folder: Path, title: str, name: str, make: Callable[[list[Row]], list[str]], level: str = "##") -> str:
    path = folder / f"{name}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    lines = make(rows)
    if len(lines) <= 2:  # only a table's head
        return ""
    return "\n".join([f"{level} {title}", "", *lines, "", _origin(rows, path)])


def _origin(rows: Sequence[Row], path: Path) -> str:
    """Machine, date and commits of the rows, each combination once."""
    made: dict[str, dict[str, None]] = {}
    for measured in (row["measured"] for row in rows):
        facts = measured["environment"]
        backend = f"Keras {facts['keras']} on {facts['backend']} {facts['backend_version']}, Python {facts['python']}"
        processor = f"{facts['machine']}{_with_instructions(facts)}"
        made.setdefault(f"{processor}, {backend}", {})[f"{measured['date']} at `{measured['commit']}`"] = None
    where = "; ".join(f"{place} ({', '.join(times)})" for place, times in made.items())
    link = f"[{path.name}]({_LINK}/{path.parent.name}/{path.name})"
    return f"Measured on {where}. Commands and every figure are in {link}."


def _with_instructions(facts: Row) -> str:
    """The processor's instruction set, which earlier files do not have."""
    return f" with {facts['instructions']}" if "instructions" in facts else ""


def epochs(rows: list[Row]) -> list[str]:
    """Seconds of an epoch after the first, for projects that train every layer."""
    chosen = [row for row in rows if not row["whole"] and not row["project"].endswith("transfer")]
    head = ["project", "processor has", "plain, s / epoch", "Greycard, s / epoch", "times", "plain, process"]
    head += ["Greycard, process", "plain, memory", "Greycard, memory"]
    return _table(head, [_epoch_cells(row) for row in chosen], words=2) + _notes(chosen)


def whole(rows: list[Row]) -> list[str]:
    """Seconds of whole runs."""
    chosen = [row for row in rows if row["whole"]]
    head = ["project", "processor has", "epochs", "plain, process", "Greycard, process", "times", "plain, memory"]
    table = _table([*head, "Greycard, memory"], [_whole_cells(row) for row in chosen], words=2)
    processors = dict.fromkeys(map(_processor, rows))
    together = [_all_rows([row for row in rows if _processor(row) == each]) for each in processors]
    return table + _notes(chosen) + [line for lines in together for line in lines]


def _all_rows(rows: list[Row]) -> list[str]:
    """The time of all rows with real data together: whole runs as measured, others from the seconds of an epoch."""
    real = {(row["project"], row["whole"]): row for row in rows if row["data"] is None}
    chosen = [row for (project, whole), row in real.items() if whole or (project, True) not in real]
    if len(chosen) < 10:
        return []
    plain, ours = (sum(_published_seconds(row, side) for row in chosen) for side in ("plain", "greycard"))
    told = "Together, the ten rows with their published epochs (whole runs, or seconds of an epoch times epochs) take"
    total = f"{seconds(plain)} in plain Keras and {seconds(ours)} in Greycard: {_times(plain / ours)}"
    return ["", f"{told} {total} (processor has: {_processor(rows[0])})."]


def _processor(row: Row) -> str:
    """The instruction set of the processor, which earlier rows do not have."""
    return str(row.get("instructions", "not recorded"))


def _published_seconds(row: Row, side: str) -> float:
    if row["whole"]:
        return row[side]["total_seconds"]
    return row[side]["seconds_per_epoch"] * find_project(row["project"]).recipe.training.epochs


def steps(rows: list[Row]) -> list[str]:
    """Images per second of training steps: Greycard, and each peer at its best."""
    head = ["network", "processor has", "Greycard", "Keras at its best", "its settings", "PyTorch at its best"]
    cells = [_step_cells(row) for row in rows]
    head += ["its settings", "Greycard against the better", "Greycard's share of the peak"]
    table = _table(head, cells, words=2)
    return [*table, *(["", _least_and_mean(rows)] if rows else [])]


def best_epochs(rows: list[Row]) -> list[str]:
    """Seconds of an epoch after the first: Greycard, and Keras at its best."""
    head = ["project", "processor has", "Keras at its best", "its precision", "Greycard", "times"]
    cells = [
        [
            f"`{row['row']}`",
            row["instructions"],
            seconds(row["seconds_per_epoch"][row["best"]]),
            row["best"].partition(" ")[2],
            seconds(row["seconds_per_epoch"]["Greycard"]),
            _times(row["ratio"]),
            *(_gigabytes(row["peak_memory_mb"][side]) for side in (row["best"], "Greycard")),
        ]
        for row in rows
    ]
    return _table([*head, "Keras, memory", "Greycard, memory"], cells, words=2)


def last_block(rows: list[Row]) -> list[str]:
    """Images per second while a pretrained network's last block is tuned: Greycard, peers at their best, a tutorial."""
    head = ["network", "processor has", "Greycard", "Keras at its best", "its settings", "PyTorch at its best"]
    head += ["its settings", "Greycard against the better", "the tutorial's Keras", "Greycard against it"]
    cells = []
    for row in rows:
        speeds = row["images_per_second"]
        against = _times(speeds["Greycard"] / speeds["Tutorial"])
        cells.append([*_against_peers(row), f"{speeds['Tutorial']:,.0f}", against])
    return _table(head, cells, words=2)


def _step_cells(row: Row) -> list[str]:
    return [*_against_peers(row), percent(row["share_of_peak"], 0)]


def _against_peers(row: Row) -> list[str]:
    speeds, best = row["images_per_second"], row["best"]
    peers = [[f"{speeds[name]:,.0f}", name.partition(" ")[2]] for name in (best["Keras"], best["PyTorch"])]
    own = f"{speeds['Greycard']:,.0f}"
    return [f"`{row['row']}`", row["instructions"], own, *peers[0], *peers[1], _times(row["ratio"])]


def _least_and_mean(rows: list[Row]) -> str:
    ratios = [row["ratio"] for row in rows]
    return f"The smallest ratio is {_times(min(ratios))}, the geometric mean {_times(geometric_mean(ratios))}."


def ceiling(rows: list[Row]) -> list[str]:
    """The lower bound of an epoch's seconds, and the measured ones."""
    if not rows:
        return []
    measured = {
        (row["project"], _processor(row)): row["greycard"]["seconds_per_epoch"]
        for row in _speed_rows()
        if not row["whole"]
    }
    cells = [_ceiling_cells(row, measured.get((row["project"], _processor(row)))) for row in rows]
    head = ["project", "processor has", "precision", "GFLOP an epoch", "GFLOP/s", "least s / epoch"]
    head += ["Greycard, s / epoch", "share of that rate"]
    told = [line for each in dict.fromkeys(map(_processor, rows)) for line in ("", _least_time(rows, each))]
    return [*_table([*head, "least time, published epochs"], cells, words=3), *told]


def _least_time(rows: list[Row], processor: str) -> str:
    least = sum(row["least_seconds"] * row["epochs"] for row in rows if _processor(row) == processor)
    told = "At these rates, all published epochs of these rows together take at least"
    return f"{told} {seconds(least)} (processor has: {processor})."


def _ceiling_cells(row: Row, taken: float | None) -> list[str]:
    reached = ["–", "–"] if taken is None else [seconds(taken), percent(row["least_seconds"] / taken, 0)]
    rate = [f"{row['gigaflop_per_epoch']:,.0f}", f"{row['gigaflops']:.0f}"]
    counted = [_processor(row), row.get("precision", "float32"), *rate, seconds(row["least_seconds"])]
    return [f"`{row['project']}`", *counted, *reached, seconds(row["least_seconds"] * row["epochs"])]


def backends(rows: list[Row]) -> list[str]:
    """Images a second of Greycard's steps and of Keras's `fit` on each backend."""
    head = ["images a second", "on", "backend", "Greycard, float32", "bfloat16", "Keras's `fit`, float32", "bfloat16"]
    return _table([*head, "best / best"], [_backend_cells(row) for row in rows], words=3)


def _backend_cells(row: Row) -> list[str]:
    speeds = row["images_per_second"]
    sides = [(who, precision) for who in ("Greycard", "Keras") for precision in ("float32", "bfloat16")]
    found = [max(speed for side, speed in speeds.items() if side.split()[:2] == [*each]) for each in sides]
    cells = [f"`{row['row']}`", row["on"], row["backend"], *(f"{speed:,.0f}" for speed in found)]
    return [*cells, f"{row['ratio']:.2f}×"]


def teaching(rows: list[Row]) -> list[str]:
    """The mean accuracy over the seeds, with the 95 % interval of this mean, for each way to choose what to label."""
    head = ["data", "labels", "of images", "Studio's choice", "random", "unsure alone", "seeds"]
    return _table([*head, "intervals that hold", "seconds after a label"], [_teaching_cells(row) for row in rows])


def _teaching_cells(row: Row) -> list[str]:
    told = f"{row['covering']} of {row['intervals']}" if row["intervals"] else "–"
    counts = [f"`{row['dataset']}`", str(row["labels"]), f"{row['images']:,}"]
    choices = [_mean(row["accuracy"][choice]) for choice in ("studio", "random", "unsure")]
    return [*counts, *choices, str(len(row["accuracy"]["studio"])), told, f"{row['seconds']:.2f}"]


def _mean(values: list[float]) -> str:
    """The mean of accuracies, with its 95 % interval by Student's t distribution."""
    centre = mean(values)
    if len(values) < 2:
        return percent(centre)
    reach = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{percent(centre)} ± {100 * reach:.1f}"


def refusing(rows: list[Row]) -> list[str]:
    """AUROC and caught strangers of each score, then the refused own images, then the exports."""
    asked, exported = [row for row in rows if "strangers" in row], [row for row in rows if "format" in row]
    if not asked:
        return []
    scores, kept = list(asked[0]["auroc"]), {row["data"]: row for row in asked}.values()
    compared = _table(["data", "strangers", "seeds", *scores], [_caught_cells(row, scores) for row in asked])
    own = _table(["data", "model", "set the limit", "measure", *scores], [_own_cells(row, scores) for row in kept])
    files = _table(["data", "format", "own", "strangers", "same as the run"], [_file_cells(row) for row in exported])
    return [
        "AUROC, and the share of strangers caught at a limit for 5 % of own images; means over the seeds:",
        "",
        *compared,
        "",
        "The share of own images that is refused, where at most 5 % is promised; mean and range of the seeds:",
        "",
        *own,
        "",
        "The run of the first seed, exported, on the same images; each file with its own limit:",
        "",
        *files,
    ]


def _caught_cells(row: Row, scores: Sequence[str]) -> list[str]:
    cells = [f"{mean(row['auroc'][score]):.3f}, {100 * mean(row['caught'][score]):.0f} %" for score in scores]
    return [f"`{row['data']}`", f"{row['strangers']}, {row['stranger_images']:,}", str(row["seeds"]), *cells]


def _own_cells(row: Row, scores: Sequence[str]) -> list[str]:
    cells = [_range([100 * each for each in row["own"][score]]) for score in scores]
    return [f"`{row['data']}`", row["model"], f"{row['calibration_images']:,}", f"{row['own_images']:,}", *cells]


def _file_cells(row: Row) -> list[str]:
    caught = ", ".join(f"{what} {100 * share:.0f} %" for what, share in row["refused"].items() if what != "own")
    own, same = row["refused"]["own"], min(row["same"].values())
    return [f"`{row['data']}`", row["format"], percent(own, 1), caught, percent(same, 1)]


def _range(values: list[float]) -> str:
    return f"{mean(values):.1f} % ({min(values):.1f} to {max(values):.1f})"


def studio(rows: list[Row]) -> list[str]:
    """The page with many images in Chromium."""
    head = ["images", "first screen, s", "frames a second", "late frames", "page, MB", "server, MB"]
    return _table(head, [_studio_cells(row) for row in rows])


def _studio_cells(row: Row) -> list[str]:
    speed = [f"{row['first_screen_seconds']:.2f}", f"{row['frames_per_second']:.0f}", percent(row["late_frames"])]
    return [f"{row['images']:,}", *speed, *(f"{row[name]:.0f}" for name in ("page_mb", "server_mb"))]


def html_pages(rows: list[Row]) -> list[str]:
    """Exported pages in Chromium, on the files of all validation images."""
    head = ["model", "image size", "page", "model in it", "ms to read", "ms to compute", "same answer as `predict`"]
    return _table([*head, "largest difference of a probability", "mean of pixels, of 255"], map(_html_cells, rows))


def _html_cells(row: Row) -> list[str]:
    size = "×".join(map(str, row["image_size"]))
    sizes = [f"{row[name] / 1e6:.1f} MB" for name in ("bytes", "model_bytes")]
    times = [f"{row[name]:.0f}" for name in ("read_ms", "compute_ms")]
    same = f"{row['same_answers']:,} of {row['images']:,}"
    differences = [f"{row['largest_difference']:.2g}", f"{row['pixels_mean']:.2f}"]
    return [f"{row['work']}: {row['model']}", size, *sizes, *times, same, *differences]


def augmenting(rows: list[Row]) -> list[str]:
    """Images that one core augments in a second: a line for each kind of change, a column for each size."""
    found = {(row["work"], row["how"]): row["images_per_core_second"] for row in rows}
    sizes = list(dict.fromkeys(size for _, size in found))
    cells = [
        [work, *(f"{found[work, size]:,.0f}" for size in sizes)] for work in dict.fromkeys(work for work, _ in found)
    ]
    return _table(["images a second", *sizes], cells)


def recommended(rows: list[Row]) -> list[str]:
    """From the first file to the published accuracy: to plain Keras's first epoch that reaches it, and to its last."""
    head = ["project", "published val acc", "plain, first epoch to reach it", "its val acc", "greycard train"]
    cells = [_recommended_cells(row) for row in rows]
    return _table([*head, "its val acc", "times", "plain, all published epochs", "times"], cells)


def rules(rows: list[Row]) -> list[str]:
    """The recipe that each rule of `greycard train` chooses, and its alternative, on the same validation images."""
    head = ["rule", "data", "train / val images", "chosen: val acc", "alternative: val acc", "p", "holds"]
    return _table(head, [_rule_cells(row) for row in rows], words=2)


def accuracy(rows: list[Row]) -> list[str]:
    """Validation accuracies of rows with real images, where no image is in both splits."""
    head = ["project", "processor has", "epochs", "plain, val acc", "Greycard, val acc", "only plain right"]
    cells = [_accuracy_cells(row) for row in rows if row["data"] is None]
    return _table([*head, "only Greycard right", "p"], cells, words=2)


def precisions(rows: list[Row]) -> list[str]:
    """Validation accuracies of the same training in float32 and in bfloat16."""
    head = ["project", "processor has", "epochs", "seed", "float32, val acc", "bfloat16, val acc", "only float32 right"]
    cells = [
        [
            f"`{row['project']}`",
            row["instructions"],
            str(row["epochs"]),
            str(row["seed"]),
            *(percent(row["val_accuracy"][side]) for side in ("float32", "bfloat16")),
            *(str(row["only_right"][side]) for side in ("float32", "bfloat16")),
            f"{row['p']:.2g}",
        ]
        for row in rows
    ]
    return _table([*head, "only bfloat16 right", "p"], cells, words=2)


def rates(rows: list[Row]) -> list[str]:
    """Images per second; each row is compared with the first row of the same work."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["work"], row)
    head = ["work", "how", "images / s", "images / s of one core", "times, per core"]
    return _table(head, [_rate_cells(row, first[row["work"]]) for row in rows], words=2)


def starts(rows: list[Row]) -> list[str]:
    return _table(["command", "seconds"], [[f"`{row['what']}`", f"{row['seconds']:.2f}"] for row in rows])


def memory(rows: list[Row]) -> list[str]:
    """Peak memory against the size of the pixels."""
    head = ["images", "their pixels", "peak memory", "its own memory", "whole process"]
    return _table(head, [_memory_cells(row) for row in rows], words=0)


def several(rows: list[Row]) -> list[str]:
    """Figures on test images with several labels, and how optimistic thresholds of the same images are."""
    if not rows:
        return []
    head = ["data", "labels", "images", "mean average precision", "F1 micro", "F1 macro", "all labels right", "seeds"]
    optimism = ["data", "F1 on test images", "validation, other half", "validation, same images", "intervals that hold"]
    difference = max(max(row["largest_difference"]) for row in rows)
    return [
        "On test images; means over the seeds, with the mean interval of each:",
        "",
        *_table(head, [_several_cells(row) for row in rows]),
        "",
        "F1 micro with thresholds that were chosen on validation, and the validation intervals of the mean average"
        " precision that hold the one on test images, which is itself uncertain:",
        "",
        *_table(optimism, [_optimism_cells(row) for row in rows]),
        "",
        f"The largest difference from scikit-learn's figures is {difference:.0e}.",
    ]


def _several_cells(row: Row) -> list[str]:
    figures = [np.mean(row[name], axis=0).tolist() for name in ("map", "f1_micro", "f1_macro")]
    images = " / ".join(f"{count:,}" for count in row["images"])
    shown = [f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)" for value, low, high in figures]
    return [f"`{row['data']}`", str(row["labels"]), images, *shown, _mean_percent(row["exact"]), str(row["rounds"])]


def _optimism_cells(row: Row) -> list[str]:
    firsts = [[each[0] for each in row[name]] for name in ("f1_micro", "validation_f1_micro")]
    shown = [_mean_percent(each) for each in (*firsts, row["validation_f1_micro_same_images"])]
    return [f"`{row['data']}`", *shown, f"{row['intervals_that_hold']} of {row['rounds']}"]


def _mean_percent(values: Sequence[float]) -> str:
    return f"{100 * float(np.mean(values)):.1f} %"


def copies(rows: list[Row]) -> list[str]:
    """How many changed copies of photographs `greycard check` finds."""
    head = ["change", "photographs", "copies", "found", "recall", "false pairs", "precision"]
    return _table(head, [_copies_cells(row) for row in rows])


def datasets(rows: list[Row]) -> list[str]:
    """What `greycard check` finds in the real datasets."""
    head = ["dataset", "images", "pairs across the splits", "pairs inside", "shift, AUC", "seconds"]
    return _table(head, [_dataset_cells(row) for row in rows])


def check_times(rows: list[Row]) -> list[str]:
    cells = [[f"{row['images']:,}", seconds(row["seconds"]), seconds(row["seconds_again"])] for row in rows]
    return _table(["images", "first check", "next check"], cells, words=0)


def searching(rows: list[Row]) -> list[str]:
    """The search for near-duplicates by itself."""
    head = ["images", "time", "pairs compared", "descriptors", "other memory, most"]
    cells = [
        [
            f"{row['images']:,}",
            seconds(row["seconds"]),
            f"{row['pairs']:,}",
            _gigabytes(row["descriptor_bytes_an_image"] * row["images"] / 1e6),
            _gigabytes(row["other_mb"]),
            *(percent(row[f"recall_{cosine}"]) for cosine in ("0.99", "0.9")),
        ]
        for row in rows
    ]
    return _table([*head, "found of copies with cosine 0.99", "0.9"], cells, words=0)


def predicting(rows: list[Row]) -> list[str]:
    """Files a second, whole processes."""
    head = ["files", "plain loop", "greycard predict", "times", "plain, memory", "Greycard, memory"]
    cells = [
        [
            f"{row['files']:,}",
            *(f"{row[side]['files_per_second']:.0f} files/s" for side in ("plain", "greycard")),
            _times(row["ratio"]),
            *_memories(row["plain"], row["greycard"]),
        ]
        for row in rows
        if row["work"] == "predict"
    ]
    return _table(head, cells, words=0)


_MANY = {
    "csv": "all images into a CSV file",
    "again": "the same command again",
    "killed": "all images, killed three times",
    "parquet": "all images into a Parquet file",
    "sorted": "then: links in folders",
    "gallery": "then: thumbnails and the gallery",
}


def predicting_many(rows: list[Row]) -> list[str]:
    """Whole processes, and their memory."""
    head = ["what", "images", "whole process", "images/s", "peak memory", "its own memory"]
    chosen = [row for work in _MANY for row in rows if row["work"] == work]
    return _table(head, [_many_cells(row) for row in chosen])


def _many_cells(row: Row) -> list[str]:
    sizes = [_gigabytes(row.get(name)) for name in ("peak_memory_mb", "peak_own_mb")]
    rate = f"{row['images'] / row['seconds']:,.0f}" if row["work"] != "again" else "–"
    return [_MANY[row["work"]], f"{row['images']:,}", seconds(row["seconds"]), rate, *sizes]


def serving(rows: list[Row]) -> list[str]:
    """Requests a second and latency by the number of clients."""
    head = ["clients", "plain, requests/s", "p50 / p99", "greycard serve, requests/s", "p50 / p99", "times", "errors"]
    chosen = [row for row in rows if row["work"] == "serve"]
    return _table(head, [_serving_cells(row) for row in chosen], words=0)


def enduring(rows: list[Row]) -> list[str]:
    """Memory over many requests."""
    head = ["requests", "errors", "requests/s", "p99", "memory after a tenth", "memory after all"]
    cells = [
        [
            f"{row['requests']:,}",
            str(row["errors"]),
            f"{row['requests_per_second']:.0f}",
            f"{row['p99_ms']:.0f} ms",
            f"{row['own_memory_mb_after_a_tenth']:.0f} MB",
            f"{row['own_memory_mb']:.0f} MB",
        ]
        for row in rows
        if row["work"] == "endure"
    ]
    return _table(head, cells, words=0)


def _serving_cells(row: Row) -> list[str]:
    sides = [
        [f"{row[side]['requests_per_second']:.0f}", f"{row[side]['p50_ms']:.0f} / {row[side]['p99_ms']:.0f} ms"]
        for side in ("plain", "greycard")
    ]
    errors = row["plain"]["errors"] + row["greycard"]["errors"]
    return [str(row["clients"]), *sides[0], *sides[1], _times(row["ratio"]), str(errors)]


def beyond(rows: list[Row]) -> list[str]:
    """The same work in one process and in two, each with one thread; the start is told apart."""
    head = ["work", "where", "each second", "each CPU second", "times `here`", "CPU, against `here`"]
    chosen = [row for row in rows if "units_per_second" in row]
    here = {row["work"]: row for row in chosen if row["where"] == "here"}
    cells = [_beyond_cells(row, here[row["work"]]) for row in chosen]
    return _table([*head, "whole commands, by size"], cells, words=2)


def _beyond_cells(row: Row, here: Row) -> list[str]:
    what = "runs of `digits-cnn`" if row["work"] == "sweep" else "photographs"
    rates = [f"{row[name]:.3g}" for name in ("units_per_second", "units_per_cpu_second")]
    against = [row[name] / here[name] for name in ("units_per_second", "units_per_cpu_second")]
    pairs = zip(row["sizes"], row["command_seconds"], strict=True)
    whole = ", ".join(f"{size:,}: {seconds(took)}" for size, took in pairs)
    return [f"{row['work']}: {what}", f"`{row['where']}`", *rates, _times(against[0]), percent(against[1], 0), whole]


def in_parts(rows: list[Row]) -> list[str]:
    """Many images predicted and checked in shards by two processes; the images in the result are counted."""
    head = ["work", "where", "images", "in the result", "whole process", "images/s", "driver's own memory"]
    cells = [
        [
            "predict" if row["work"] == "shards" else "check",
            row["where"],
            f"{row['images']:,}",
            f"{row['rows']:,}",
            seconds(row["seconds"]),
            f"{row['images_per_second']:,.0f}",
            *(_gigabytes(row[name]) for name in ("driver_mb", "worker_mb")),
        ]
        for row in rows
        if row["work"] in ("shards", "check")
    ]
    return _table([*head, "largest worker's"], cells, words=2)


def parts_of_batches(rows: list[Row]) -> list[str]:
    """A step in parts; equal digests of the weights are equal bits."""
    whole = {(row["row"], row["backend"]): row for row in rows if (row["parts"], row["threads"]) == (1, 1)}
    ordered = sorted(rows, key=lambda row: (row["row"], row["backend"] != "tensorflow", row["backend"]))
    cells = [_parts_cells(row, whole[row["row"], row["backend"]]) for row in ordered]
    head = ["network", "backend", "digest of the weights", "parts", "workers", "threads of each", "s / step"]
    return _table([*head, "times one whole batch", "CPU s / step of a worker"], cells, words=3)


def _parts_cells(row: Row, whole: Row) -> list[str]:
    took = row["seconds_a_step"]
    speed = _times(whole["seconds_a_step"] / took)
    figures = [*(str(row[name]) for name in ("parts", "workers", "threads")), f"{took:.3f}", speed]
    cpu = f"{row['cpu_seconds_a_step_and_worker']:.3f}"
    return [f"`{row['row']}`", row["backend"], f"`{row['digest'][:8]}`", *figures, cpu]


def scheduling(rows: list[Row]) -> list[str]:
    """What many workers cost the driver."""
    chosen = [row for row in rows if row["work"] == "workers"]
    cells = [[row["where"], seconds(row["seconds"]), f"{row['driver_cpu_seconds']:.1f}"] for row in chosen]
    return _table(["work", "wall time", "driver's CPU seconds"], cells)


DOCTOR_SECTIONS: tuple[tuple[str, str, Callable[[list[Row]], list[str]]], ...] = (
    ("Changed copies of real photographs", "copies", copies),
    ("The real datasets", "datasets", datasets),
    ("How long it takes", "time", check_times),
    ("The search among very many images", "search", searching),
)

SECTIONS: tuple[tuple[str, str, Callable[[list[Row]], list[str]]], ...] = (
    ("An epoch", "rows", epochs),
    ("Whole runs", "rows", whole),
    ("Epochs beside Keras at its best", "epochs", best_epochs),
    ("Training steps beside Keras and PyTorch at their best", "steps", steps),
    ("Tuning the last block beside Keras and PyTorch at their best", "last_block", last_block),
    ("Training steps on other backends", "backends", backends),
    ("Distance from the machine's limit", "ceiling", ceiling),
    ("From the first file to the published accuracy", "recommended", recommended),
    ("Each rule of `greycard train` against its alternative", "rules", rules),
    ("The same accuracy", "rows", accuracy),
    ("Accuracy in both precisions", "precisions", precisions),
    ("From files to batches", "pipeline", rates),
    ("Augmenting on one core", "augmentation", augmenting),
    ("Features of a frozen backbone", "features", rates),
    ("Start", "startup", starts),
    ("Memory", "memory", memory),
    ("Predicting", "use", predicting),
    ("Predicting many images", "predict_many", predicting_many),
    ("In one process and in two", "beyond", beyond),
    ("Many images in shards", "beyond", in_parts),
    ("One run by several workers", "parts", parts_of_batches),
    ("Scheduling for many workers", "beyond", scheduling),
    ("Serving", "use", serving),
    ("20,000 requests", "use", enduring),
    ("None of these", "rejection", refusing),
    ("Several labels per image", "multilabel", several),
    ("Exported pages", "html", html_pages),
    ("Studio: labels needed", "teach", teaching),
    ("Studio: many images", "studio", studio),
)


def _epoch_cells(row: Row) -> list[str]:
    plain, ours = row["plain"], row["greycard"]
    each = [seconds(side["seconds_per_epoch"]) for side in (plain, ours)]
    total = [f"{seconds(side['total_seconds'])} ({row['epochs']} epochs)" for side in (plain, ours)]
    return [_project(row), _processor(row), *each, _times(row["ratio"]), *total, *_memories(plain, ours)]


def _whole_cells(row: Row) -> list[str]:
    plain, ours = row["plain"], row["greycard"]
    total = [seconds(side["total_seconds"]) for side in (plain, ours)]
    return [
        _project(row),
        _processor(row),
        str(row["epochs"]),
        *total,
        _times(row["total_ratio"]),
        *_memories(plain, ours),
    ]


def _recommended_cells(row: Row) -> list[str]:
    theirs, ours = row["plain"], row["greycard"]
    reached = f" (epoch {theirs['epoch']})" if theirs["epoch"] else " (not reached)"
    plain = [seconds(theirs["seconds"]), percent(theirs["val_accuracy"]) + reached]
    greycard = [seconds(ours["seconds"]), percent(ours["val_accuracy"])]
    whole = _plain_whole(row["project"])
    more = ["–", "–"] if whole is None else [seconds(whole), _times(whole / ours["seconds"])]
    cells = [f"`{row['project']}`", percent(row["published_val_accuracy"]), *plain, *greycard, _times(row["ratio"])]
    return [*cells, *more]


def _rule_cells(row: Row) -> list[str]:
    images = f"{row['train_images']:,} / {row['val_images']:,}"
    sides = [_rule_side(row[name]) for name in ("chosen", "alternative")]
    return [row["rule"], row["data"], images, *sides, f"{row['p']:.2g}", "yes" if row["holds"] else "no"]


def _rule_side(side: Row) -> str:
    augmented = ", augmented" if side["augmented"] else ""
    views = f", {side['views']} views" if side["views"] else ""
    epochs = f", {side['epochs']} epochs of batches of {side['batch_size']}" if side["epochs"] > 1 else ""
    between = f"{100 * side['low']:.1f} to {percent(side['high'])}"
    return f"{side['recipe']}{augmented}{views}{epochs}: {percent(side['val_accuracy'])} ({between})"


def _plain_whole(project: str) -> float | None:
    """Seconds of the whole published run in plain Keras, if measured."""
    whole = (row for row in _speed_rows() if row["whole"] and row["project"] == project)
    return next((row["plain"]["total_seconds"] for row in whole), None)


def _speed_rows() -> list[Row]:
    path = SPEED / "rows.json"
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []


def _accuracy_cells(row: Row) -> list[str]:
    only_plain, only_ours = ([pair[f"only_{side}_right"] for pair in row["paired"]] for side in ("plain", "greycard"))
    chances = [f"{pair['p']:.2g}" for pair in row["paired"]]
    both = [percent(row[side]["val_accuracy"]) for side in ("plain", "greycard")]
    return [
        _project(row),
        _processor(row),
        str(row["epochs"]),
        *both,
        _each(only_plain),
        _each(only_ours),
        _each(chances),
    ]


def _rate_cells(row: Row, first: Row) -> list[str]:
    rate, core = row["images_per_second"], row["images_per_core_second"]
    times = "–" if row is first else _times(core / first["images_per_core_second"])
    return [row["work"], row["how"], f"{rate:,.0f}", f"{core:,.0f}", times]


def _memory_cells(row: Row) -> list[str]:
    sizes = [_gigabytes(row[name]) for name in ("pixels_mb", "peak_memory_mb", "peak_own_mb")]
    return [f"{row['images']:,}", *sizes, seconds(row["seconds"])]


def _copies_cells(row: Row) -> list[str]:
    figures = [f"{row[name]:,}" for name in ("photographs", "copies", "found")]
    return [row["change"], *figures, percent(row["recall"], 1), str(row["false_pairs"]), percent(row["precision"], 1)]


def _dataset_cells(row: Row) -> list[str]:
    auc = "–" if row["shift_auc"] is None else f"{row['shift_auc']:.3f}"
    pairs = [f"{row[name]:,}" for name in ("pairs_across", "pairs_inside")]
    return [f"`{row['dataset']}`", f"{row['images']:,}", *pairs, auc, seconds(row["seconds"])]


def _project(row: Row) -> str:
    return f"`{row['project']}`" + (" *" if row["data"] else "")


def _notes(rows: Iterable[Row]) -> list[str]:
    notes = dict.fromkeys(row["data"] for row in rows if row["data"])
    return ["", *(f"\\* {note}." for note in notes)] if notes else []


def _memories(plain: Row, ours: Row) -> list[str]:
    return [_gigabytes(side["peak_memory_mb"]) for side in (plain, ours)]


def _gigabytes(megabytes: float | None) -> str:
    return "–" if megabytes is None else f"{megabytes / 1000:.2f} GB"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}×" if ratio < 10 else f"{ratio:.0f}×"


def _each(values: Iterable[object]) -> str:
    return "; ".join(map(str, values))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> list[str]:
    """A Markdown table; all columns except the first `words` are numbers, aligned right."""
    lines = ["---"] * words + ["---:"] * (len(head) - words)
    return [f"| {' | '.join(cells)} |" for cells in [head, lines, *rows]]
