"""A probe of several labels is one logistic regression for each label, with the same regularisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import greycard
from greycard.training.logistic import fit_logistic
from greycard.training.regularisation import choose_strength, deal_folds
from label_grids import make_grids


def _data(seed: int = 0, images: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(images, 6)).astype(np.float32)
    logits = features @ random.normal(size=(6, 3)) + np.array([0.0, -1.0, -2.5])
    return features, (random.random((images, 3)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)


def test_it_is_scikit_learns_regression_of_each_label() -> None:
    features, labels = _data()
    found, _ = fit_logistic([features], labels, 3, 0.1, gradient=1e-7)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    for each in range(3):
        expected = LogisticRegression(C=0.1, tol=1e-8).fit(standard, labels[:, each])
        np.testing.assert_allclose(found.logits([features])[:, each], expected.decision_function(standard), atol=2e-2)


def test_the_strength_is_chosen_and_every_label_is_in_the_folds() -> None:
    features, labels = _data()
    assert len(choose_strength([features], labels, 3).losses) > 1
    folds = deal_folds(labels, np.arange(len(labels)), 5, 0)
    for fold in range(5):
        assert labels[folds == fold].any(axis=0).all()


def test_a_probe_trains_on_lists(tmp_path: Path) -> None:
    grids = make_grids(tmp_path, 150)
    recipe = greycard.Recipe.make("base", "base", image_size=(20, 20), conv=(8,), dense=(16,), epochs=8)
    base = greycard.train(recipe, str(grids.table), out=tmp_path / "runs", quiet=True)
    probe = greycard.Recipe.make("probe", "probe", model="probe", backbones=(str(base.path),), image_size=(20, 20))
    run = greycard.train(probe, str(grids.table), out=tmp_path / "runs", quiet=True)
    assert run.recipe.data.task == "multilabel"
    assert run.summary.labels is not None
    assert run.summary.labels.mean_average_precision is not None
    assert run.summary.labels.mean_average_precision.value > 0.7
    predicted = run.predict([tmp_path / path for path in grids.paths[:20]])
    assert [each.labels for each in predicted] == [
        tuple(name for name, p in (each.probabilities or {}).items() if p >= limit_of(run, name)) for each in predicted
    ]


def limit_of(run: greycard.Run, name: str) -> float:
    """The label's threshold on calibrated probabilities."""
    return float(run.classifier.task.limits[run.classes.index(name)])  # type: ignore[attr-defined]


@pytest.mark.parametrize("balance", ["none", "sampling"])
def test_fine_tuning_knows_several_labels(tmp_path: Path, balance: str) -> None:
    from greycard.tasks.multilabel import MultiLabel
    from greycard.training.fine_tuning import inner_validation, mean_loss

    _, labels = _data()
    out = inner_validation(labels, None, 0)
    assert 0 < out.sum() < len(labels) / 5
    outputs = np.full(labels.shape, 0.5)
    assert mean_loss(MultiLabel(3), labels, outputs, balanced=balance != "none") == pytest.approx(np.log(2))
