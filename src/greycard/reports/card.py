"""`greycard card`: a run's model card in Markdown, after Mitchell et al., "Model cards for model reporting" (2019)."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from greycard.datasets.catalog import CATALOG
from greycard.reports.columns import percent, seconds, span
from greycard.reports.headline import headline, precision_line
from greycard.runs.evidence import verdicts
from greycard.runs.record import RunRecord
from greycard.runs.scores import scores_of

_ENVIRONMENT = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def model_card(run: RunRecord) -> str:
    """The card as text: data, licence, recipe, results with intervals, limits, how to load.

    Raises:
        GreycardError: an unfinished or damaged run.
    """
    summary, recipe = run.summary, run.recipe
    scores = scores_of(run) if run.classes else None
    template = resources.files("greycard.reports").joinpath("templates/card.md").read_text("utf-8")
    return _ENVIRONMENT.from_string(template).render(
        name=run.name,
        headline=headline(run),
        precision=precision_line(recipe),
        classes=run.classes,
        dataset=_dataset(recipe.dataset),
        summary=summary,
        leaks=(summary.get("data") or {}).get("leaks"),
        weights=summary.get("weights"),
        scores=scores,
        calibration=_calibration(summary),
        temperature=run.temperature,
        verdicts=verdicts(run),
        architecture=recipe.architecture,
        environment=run.environment,
        digest=recipe.digest,
        recipe=json.dumps(recipe.to_json(), indent=2),
        size=", ".join(map(str, recipe.image_size or ())),
        channels=recipe.channels,
        outputs=_outputs(run),
        percent=percent,
        seconds=seconds,
        span=span,
    )


def _dataset(name: str) -> dict[str, str]:
    """A known dataset's title and licence; of one's own folder, its owner knows."""
    known = next((entry for entry in CATALOG if entry.name == name), None)
    if known:
        return {"title": known.title, "licence": known.licence}
    return {"title": f"the folder {name}", "licence": "not known to Greycard; state it here before you pass this on"}


def _calibration(summary: dict[str, Any]) -> dict[str, str] | None:
    facts = summary.get("calibration")
    return facts and {"error": f"{100 * facts['error']:.1f}", "after": f"{100 * facts['error_after_scaling']:.1f}"}


def _outputs(run: RunRecord) -> str:
    if run.recipe.loss == "binary_crossentropy":
        return f"the probability of {run.classes[1]}, (n, 1),"
    return f"a probability a class, (n, {len(run.classes)}),"
