"""`greycard card`: a run's model card in Markdown, after Mitchell et al., "Model cards for model reporting" (2019)."""

from __future__ import annotations

import json
import shlex

from jinja2 import Environment, PackageLoader, StrictUndefined

from greycard.datasets.catalog import CATALOG
from greycard.reports.columns import percent, seconds, span
from greycard.reports.escapes import Verbatim, markdown, markdown_code, markdown_sentence
from greycard.reports.headline import headline, precision_line
from greycard.reports.labels import label_parts
from greycard.reports.measured import measured_line
from greycard.reports.number_rows import number_rows
from greycard.reports.refusals import refusal_rows
from greycard.runs.evidence import verdicts
from greycard.runs.measurements import measurements_of
from greycard.runs.record import RunRecord
from greycard.runs.scores import scores_of

_RESIZED = {"stretch": "stretched", "crop": "cropped at the centre and scaled", "pad": "scaled and padded with grey"}


def model_card(run: RunRecord) -> str:
    """The card as text: data, licence, recipe, results with intervals, limits, how to load.

    Raises:
        GreycardError: an unfinished or damaged run.
    """
    summary, recipe = run.summary, run.recipe
    scores = scores_of(run) if run.task.has_one_class else None
    template = _templates().get_template("card.md")
    return template.render(
        name=run.name,
        in_shell=Verbatim(_in_shell(run.name)),
        in_python=Verbatim(json.dumps(f"runs/{run.name}", ensure_ascii=False)),
        headline=headline(run),
        precision=precision_line(recipe),
        task=run.task,
        classes=run.classes,
        dataset=_dataset(recipe.data.dataset),
        summary=summary,
        examples="images" if recipe.data.has_images else "pairs",
        numbers=summary.numbers,
        number_rows=number_rows(summary.numbers, kept=summary.kept is not None) if summary.numbers else (),
        scores=scores,
        labels=label_parts(run, summary.labels, run.predictions["labels"]) if summary.labels else None,
        points=_points,
        temperature=run.temperature,
        verdicts=verdicts(run),
        refusals=refusal_rows(run),
        measurements=[(each, measured_line(each)) for each in measurements_of(run)],
        architecture=recipe.architecture,
        environment=run.environment,
        digest=recipe.digest,
        recipe=Verbatim(json.dumps(recipe.to_json(), indent=2)),
        size=", ".join(map(str, recipe.data.image_size or ())),
        channels=recipe.data.channels,
        resized=_RESIZED[recipe.data.resize],
        outputs=run.task.output_text(run.classes),
        percent=percent,
        seconds=seconds,
        span=span,
    )


def _templates() -> Environment:
    """Escape all template values, except those marked as Markdown."""
    found = Environment(
        loader=PackageLoader("greycard.reports"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Verbatim) else markdown(str(value)),
    )
    found.filters |= {"sentence": markdown_sentence, "code": markdown_code}
    return found


def _in_shell(name: str) -> str:
    """Quote one word of a shell command; `$'…'` can contain line breaks."""
    if name.isprintable():
        return shlex.quote(name)
    return f"$'{name.encode('unicode_escape').decode()}'"


def _dataset(name: str) -> dict[str, str]:
    """The title and licence of a named dataset; for a user's folder, the licence is unknown."""
    known = next((entry for entry in CATALOG if entry.name == name), None)
    if known:
        return {"title": known.title, "licence": known.licence}
    return {"title": f"the folder {name}", "licence": "unknown; state it here before you share this card"}


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
