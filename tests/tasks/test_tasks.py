"""Each task computes what Keras computes, decides by one rule, and is the only place that knows its loss."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import greycard
from greycard.core.errors import GreycardError
from greycard.tasks.binary import Binary
from greycard.tasks.multiclass import MultiClass
from greycard.tasks.multilabel import MultiLabel
from greycard.tasks.regression import Regression
from greycard.tasks.single_label import likeliest
from greycard.tasks.target import Target
from greycard.tasks.task import Task
from greycard.tasks.tasks import NAMES, TASKS, task_for

SOURCE = Path(greycard.__file__).parent
SCALED = Regression(0, Target(mean=3.0, deviation=40.0, median=2.0, lowest=-50.0, highest=90.0))
EACH = (
    *(Regression(0), SCALED, Binary(2), MultiClass(2), MultiClass(5)),
    *(MultiLabel(2), MultiLabel(4, (0.2, 0.5, 0.7, 0.9))),
)
CLASSIFYING = tuple(task for task in EACH if task.has_classes)
ONE_CLASS = tuple(task for task in EACH if task.has_one_class)
SEVERAL = tuple(task for task in EACH if isinstance(task, MultiLabel))
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def _logits(task: Task, seed: int, count: int = 40) -> np.ndarray:
    units = task.add_head(keras.KerasTensor((None, 3))).shape[1]
    return np.random.default_rng(seed).normal(0, 3, (count, units)).astype(np.float32)


def _outputs(task: Task, seed: int) -> np.ndarray:
    """What the head's activation makes of random logits, every third number rounded so that ties occur."""
    logits = _logits(task, seed)
    logits[::3] = np.round(logits[::3] / 3)
    return _activated(task, logits)


def _activated(task: Task, logits: np.ndarray) -> np.ndarray:
    """The head's outputs (n, units) for these logits: its layer with the identity as kernel."""
    inputs = keras.Input(logits.shape[1:])
    head = keras.Model(inputs, task.add_head(inputs))
    head.set_weights([np.eye(logits.shape[1]), np.zeros(logits.shape[1])])
    return np.asarray(head.predict_on_batch(logits))


def _labels(task: Task, seed: int, count: int = 40) -> np.ndarray:
    draws = np.random.default_rng(seed + 1)
    if task in SEVERAL:
        return draws.integers(0, 2, (count, task.classes), dtype=np.uint8)
    return draws.integers(0, task.classes, count) if task.has_classes else draws.normal(size=count).astype(np.float32)


@pytest.mark.parametrize("task", EACH, ids=repr)
@few
@given(seed=SEEDS)
def test_measure_is_kerass_loss_and_accuracy(task: Task, seed: int) -> None:
    outputs, labels = _outputs(task, seed), _labels(task, seed)
    found = task.measure(labels, outputs)
    targets = labels.reshape(len(labels), -1).astype(np.float32)
    expected = float(np.mean(ops.convert_to_numpy(keras.losses.get(task.train_loss)(targets, outputs))))
    assert found["loss"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert found.keys() - {"loss"} == {metric.name for metric in task.metrics()}
    for metric in task.metrics():
        metric.update_state(targets, outputs)
        assert found[metric.name] == pytest.approx(float(metric.result()))


def test_a_number_gets_its_unit_after_the_head() -> None:
    inputs = keras.Input((1,))
    layers = keras.Model(inputs, SCALED.in_unit(inputs))
    standardised = np.array([[-1.0], [0.0], [2.5]], np.float32)
    found = np.asarray(layers.predict_on_batch(standardised))
    assert found[:, 0].tolist() == [-37.0, 3.0, 103.0]
    np.testing.assert_allclose(SCALED.standardised(found), standardised)
    assert SCALED.measure(np.array([3.0, 43.0, 3.0]), found)["loss"] == pytest.approx((1 + 1 + 2.5**2) / 3)
    same = Regression(0)
    assert same.in_unit(inputs) is inputs
    assert same.fitted(np.array([1.0, 5.0])).target == Target.of(np.array([1.0, 5.0]))


def test_mistakes_come_worst_first() -> None:
    numbers, found = np.array([1.0, 2.0, 3.0, 4.0]), np.array([[1.1], [5.0], [np.nan], [4.0]])
    assert Regression(0).mistakes(numbers, found).tolist() == [2, 1, 0, 3]
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    assert Binary(2).mistakes(np.array([1, 0, 1]), rows).tolist() == [0, 1]


@pytest.mark.parametrize("task", ONE_CLASS, ids=repr)
@few
@given(seed=SEEDS)
def test_probabilities_sum_to_one_and_decide_as_accuracy_counts(task: Task, seed: int) -> None:
    outputs, labels = _outputs(task, seed), _labels(task, seed)
    probabilities = task.to_probabilities(outputs)
    assert probabilities.shape == (len(labels), task.classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    decided = task.decide(probabilities)
    assert task.measure(labels, outputs)["accuracy"] == np.mean(decided == labels)
    assert (task.correct(labels, probabilities) == (decided == labels)).all()
    assert [int(task.decide(row)) for row in probabilities] == decided.tolist()
    assert (task.decide(np.stack([probabilities, probabilities])) == decided).all()


@pytest.mark.parametrize("task", CLASSIFYING, ids=repr)
@few
@given(seed=SEEDS)
def test_logits_give_the_heads_probabilities_in_layers_and_in_gradients(task: Task, seed: int) -> None:
    logits = _logits(task, seed)
    inputs = keras.Input(logits.shape[1:])
    layers = keras.Model(inputs, task.probability_layers(inputs))
    by_layers = np.asarray(layers.predict_on_batch(logits))
    by_ops = ops.convert_to_numpy(task.class_probabilities(task.class_logits(ops.convert_to_tensor(logits))))
    outputs = _activated(task, logits)
    np.testing.assert_allclose(by_layers, task.to_probabilities(outputs), atol=1e-6)
    np.testing.assert_allclose(by_ops, task.to_probabilities(outputs), atol=1e-6)


@pytest.mark.parametrize("task", SEVERAL, ids=repr)
@few
@given(seed=SEEDS)
def test_several_labels_are_those_that_reach_their_thresholds(task: MultiLabel, seed: int) -> None:
    outputs, labels = _outputs(task, seed), _labels(task, seed)
    limits = task.thresholds or (0.5,) * task.classes
    expected = [[int(p >= limit) for p, limit in zip(row, limits, strict=True)] for row in outputs.tolist()]
    assert task.decide(outputs).tolist() == expected
    assert task.correct(labels, outputs).tolist() == [
        row == right for row, right in zip(labels.tolist(), expected, strict=True)
    ]
    assert [int(task.likeliest(row)) for row in outputs] == [row.index(max(row)) for row in outputs.tolist()]


@pytest.mark.parametrize("task", CLASSIFYING, ids=repr)
@few
@given(seed=SEEDS, temperature=st.floats(0.3, 4))
def test_a_temperature_changes_probabilities_and_no_decision(task: Task, seed: int, temperature: float) -> None:
    probabilities = task.to_probabilities(_activated(task, _logits(task, seed))).astype(np.float64)
    scaled = task.at_temperature(probabilities, temperature)
    assert (task.scaled(temperature).decide(scaled) == task.decide(probabilities)).all()
    np.testing.assert_allclose(task.at_temperature(probabilities, 1.0), probabilities, atol=1e-6)


@pytest.mark.parametrize("task", CLASSIFYING, ids=repr)
@few
@given(seed=SEEDS)
def test_the_confidence_is_the_probability_of_the_least_sure_part_of_the_answer(task: Task, seed: int) -> None:
    probabilities = task.to_probabilities(_outputs(task, seed))
    decided = task.decide(probabilities)
    for row, answer, found in zip(
        probabilities.tolist(), decided.tolist(), task.confidence(probabilities), strict=True
    ):
        parts = [p if one else 1 - p for p, one in zip(row, answer, strict=True)] if task in SEVERAL else [row[answer]]
        assert found == pytest.approx(min(parts))


def test_images_with_a_class_that_others_lack_are_left_out() -> None:
    assert MultiClass(3).only_classes_of(np.array([0, 1, 2]), np.array([0, 2])).tolist() == [True, False, True]
    labels, others = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 0], [0, 0]])
    assert MultiLabel(2).only_classes_of(labels, others).tolist() == [True, False, True]


@pytest.mark.parametrize("task", CLASSIFYING, ids=repr)
@few
@given(seed=SEEDS)
def test_the_worst_mistakes_are_all_wrong_images_once(task: Task, seed: int) -> None:
    probabilities, labels = task.to_probabilities(_outputs(task, seed)), _labels(task, seed)
    wrong = np.flatnonzero(~task.correct(labels, probabilities))
    assert sorted(task.mistakes(labels, probabilities).tolist()) == wrong.tolist()


@given(p=st.floats(0, 1, width=32))
def test_a_sigmoid_means_the_second_class_above_a_half(p: float) -> None:
    """Rounding of 1 - p must not move the border that Keras's accuracy has."""
    outputs = np.array([[p]], np.float32)
    assert Binary(2).decide(Binary(2).to_probabilities(outputs)).tolist() == [int(np.float32(p) > 0.5)]


def test_ties_mean_the_first_class() -> None:
    near = np.float32(0.5)
    outputs = np.array([[near], [np.nextafter(near, np.float32(1))], [np.nextafter(near, np.float32(0))]])
    assert Binary(2).decide(Binary(2).to_probabilities(outputs)).tolist() == [0, 1, 0]
    assert MultiClass(3).decide(np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])).tolist() == [0, 1]


@pytest.mark.parametrize("task", ONE_CLASS, ids=repr)
def test_nan_gives_a_nan_loss_and_an_accuracy_that_agrees_with_the_decision(task: Task) -> None:
    outputs, labels = _outputs(task, 3), _labels(task, 3)
    outputs[7] = np.nan
    found = task.measure(labels, outputs)
    assert np.isnan(found["loss"])
    assert found["accuracy"] == np.mean(task.decide(task.to_probabilities(outputs)) == labels)


def test_a_certain_wrong_answer_has_a_finite_loss() -> None:
    assert np.isfinite(Binary(2).measure(np.array([0, 1]), np.array([[1.0], [0.0]]))["loss"])
    assert np.isfinite(MultiClass(2).measure(np.array([0, 1]), np.eye(2)[::-1])["loss"])
    assert np.isfinite(MultiLabel(2).measure(np.eye(2, dtype=np.uint8), np.eye(2)[::-1])["loss"])


@given(classes=st.integers(0, 300), several=st.booleans())
def test_the_data_choose_one_task(classes: int, several: bool) -> None:
    several = several and classes > 0
    chosen = task_for(classes, several=several)
    assert chosen.classes == classes
    assert chosen.name == ("multilabel" if several else {0: "regression", 2: "binary"}.get(classes, "multiclass"))
    for name in NAMES:
        fits = next(task for task in TASKS if task.name == name).fits(classes, several)
        if fits:
            assert task_for(classes, name, several=several).name == task_for(classes, name).name == name
        else:
            with pytest.raises(GreycardError, match=f"task '{name}' does not fit data with {classes} "):
                task_for(classes, name, several=several)


@pytest.mark.parametrize("task", EACH, ids=repr)
def test_lost_labels_are_classes_that_no_image_has_any_more(task: Task) -> None:
    labels = np.array([[1, 0], [0, 1], [0, 1], [1, 1]]) if task in SEVERAL else np.array([0, 1, 1, 0])
    assert task.lost_labels(labels, labels) == []
    assert task.lost_labels(labels, labels[1:3]) == ([0] if task.has_classes else [])


def test_a_run_states_its_task(tmp_path: Path, cli) -> None:
    recipe = greycard.Recipe.make("prices", "house-prices", image_size=None, channels=1, epochs=1)
    run = greycard.train(recipe, out=tmp_path, quiet=True)
    assert (run.recipe.data.task, run.task) == ("regression", Regression(0))
    assert greycard.runs_table([run]).rows[0].task == "regression"
    assert recipe.matches_resolved(run.recipe)


_LOSS = re.compile("|".join(rf'"{task.loss}"' for task in TASKS))
_BRANCH = re.compile(
    r"\bif (not )?[\w.]+\.classes( and| or|:| else)|len\([\w.]*classes\) (==|>)|\b(if|else) [\w.]*classes == \d"
    r"|shape\[1\] == 1\b|\.units (==|>)|\bloss == |is_regression"
)
_NAMES_OR_NUMBERS = (
    "audit/check.py", "jobs/split.py", "training/image_kind.py", "search/set_aside.py", "jobs/crossval.py",
    "evaluation/diagnosis/classes.py",
)  # fmt: skip
"""The last one asks whether names of classes are known, the others ask a dataset whether its labels are numbers."""
_LOGITS = ("training/logistic.py",)
"""The fit of the head, whose loss is computed from one logit or several."""
_OTHER_ARGMAX = {
    "audit/content.py": "the largest class",
    "audit/group_split.py": "the side that lacks most images; the largest level",
    "labelling/choice.py": "the image to label next",
    "reports/figures.py": "the best epoch of a curve",
    "evaluation/diagnosis/evidence.py": "the best epoch",
}


def _lines(pattern: re.Pattern[str], *, but: tuple[str, ...]) -> list[str]:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        name = file.relative_to(SOURCE).as_posix()
        if not name.startswith(but):
            found += [
                f"{name}: {line.strip()}" for line in file.read_text("utf-8").splitlines() if pattern.search(line)
            ]
    return found


def test_only_tasks_and_the_backend_name_a_loss() -> None:
    assert not _lines(_LOSS, but=("tasks/", "backend/"))


def test_only_tasks_and_the_backend_decide() -> None:
    assert not _lines(re.compile("argmax"), but=("tasks/", "backend/", *_OTHER_ARGMAX))


def test_no_module_branches_on_what_only_a_task_knows() -> None:
    """Datasets come before tasks: there, classes are names that may be missing."""
    assert not _lines(_BRANCH, but=("tasks/", "backend/", "datasets/", *_NAMES_OR_NUMBERS, *_LOGITS))


def test_likeliest_is_the_rule_of_all_single_label_tasks() -> None:
    rows = np.array([[0.1, 0.9], [0.5, 0.5]])
    assert likeliest(rows).tolist() == Binary(2).decide(rows).tolist() == MultiClass(2).decide(rows).tolist() == [1, 0]
