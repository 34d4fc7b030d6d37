"""Answers as cells of a table: its columns, and the values of an answer by column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greycard.deploy.answers.answer import Answer, least_sure
from greycard.deploy.answers.job import Question

_PROBABILITY = "probability"


def columns_of(question: Question) -> list[str]:
    """The columns of a table of answers, as `greycard predict --format csv` prints them."""
    wanted = {"one_of": question.sets, "review": question.unsure}
    asked = [name for name, value in wanted.items() if value is not None]
    return ["path", *answer_columns(question), "error", "refused", "strangeness", *asked]


def answer_columns(question: Question) -> list[str]:
    """The columns of the classes and their probabilities; or of the labels, and the probability of each label.

    A probability has a name of its own, so that no label named `split` makes a table another one.
    """
    if question.labels:
        return ["labels", *map(_column, question.labels)]
    return [name for rank in range(1, question.top + 1) for name in _ranked(rank)]


def cells_of(answer: Answer) -> dict[str, Any]:
    """The values of an answer by column; the others are empty."""
    if answer.error:
        return {"path": answer.path, "error": answer.error}
    found: dict[str, Any] = {"path": answer.path, "refused": answer.refused, "strangeness": answer.strangeness}
    found |= {"one_of": answer.one_of, "review": answer.review}
    if answer.labels is not None:
        return found | {"labels": answer.labels} | {_column(name): value for name, value in answer.ranked}
    for rank, pair in enumerate(answer.ranked, 1):
        found |= dict(zip(_ranked(rank), pair, strict=True))
    return found


def answer_from(cells: Mapping[str, Any], question: Question) -> Answer:
    """The answer of the values by column; None for an empty cell."""
    facts: dict[str, Any] = {"refused": bool(cells.get("refused")), "review": bool(cells.get("review"))}
    facts |= {"strangeness": cells.get("strangeness"), "one_of": cells.get("one_of"), "error": cells.get("error")}
    path, labels = cells["path"], cells.get("labels")
    if labels is not None:
        pairs = tuple((name, cells[_column(name)]) for name in question.labels)
        return Answer(path, "", least_sure(labels, pairs), pairs, labels=tuple(labels), **facts)
    ranked = [_ranked(rank) for rank in range(1, question.top + 1)]
    known = tuple((cells[label], cells[value]) for label, value in ranked if cells.get(label))
    label, probability = known[0] if known else ("", 0.0)
    return Answer(path, label, probability, known, **facts)


def _ranked(rank: int) -> tuple[str, str]:
    end = "" if rank == 1 else f"_{rank}"
    return f"class{end}", f"{_PROBABILITY}{end}"


def _column(label: str) -> str:
    return f"{_PROBABILITY}_{label}"
