"""The fastest way is chosen from measurements; noise, gaps and damage change nothing but the speed."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from greycard.backend import measurements, tensorflow_choices, tensorflow_steps
from greycard.backend.choices import Choice, Choices, Measured, Shape, Table
from greycard.backend.measurements import keep, own_file, packaged_measurements, table
from greycard.backend.memory_parts import BYTES, images_that_fit, part_size
from greycard.core.records import from_json, to_json

pytest.importorskip("tensorflow")

WAYS = ("onednn", "xla", "winograd")
SHAPE = Shape("conv", "float32", 36, 64, 128)
_SHAPES = st.builds(
    Shape,
    st.sampled_from(["conv", "conv + pool", "pool"]),
    st.sampled_from(["float32", "bfloat16"]),
    st.integers(4, 300),
    st.integers(1, 512),
    st.integers(1, 512),
)


def _measured(shape: Shape = SHAPE, **milliseconds: float) -> Measured:
    return Measured(shape, milliseconds)


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ({"onednn": 10.0, "xla": 9.6, "winograd": 30.0}, "onednn"),
        ({"onednn": 10.0, "xla": 9.4, "winograd": 30.0}, "xla"),
        ({"onednn": 10.0, "xla": 9.4, "winograd": 5.0}, "winograd"),
        ({"onednn": 10.0, "unknown": 1.0}, "onednn"),
        ({"xla": 1.0}, "onednn"),
    ],
)
def test_another_way_must_be_faster_by_five_percent(milliseconds: dict[str, float], expected: str) -> None:
    assert _measured(**milliseconds).fastest(WAYS) == expected
    assert Table((_measured(**milliseconds),)).way(SHAPE, WAYS) == expected


def test_a_way_that_an_operation_does_not_have_is_never_chosen() -> None:
    only = ("onednn", "xla")
    assert Table((_measured(onednn=10.0, xla=9.9, winograd=1.0),)).way(SHAPE, only) == "onednn"
    assert Choices((Choice(SHAPE, "winograd"),)).way(SHAPE, only) == "onednn"
    assert Choices((Choice(SHAPE, "winograd"),)).way(SHAPE, WAYS) == "winograd"


@given(shape=_SHAPES, others=st.lists(_SHAPES, max_size=5))
def test_the_most_similar_shape_decides(shape: Shape, others: list[Shape]) -> None:
    measured = [_measured(other, onednn=1.0) for other in others] + [_measured(shape, onednn=10.0, xla=1.0)]
    assert Table(tuple(measured)).way(shape, WAYS) == ("xla" if shape not in others else "onednn")
    comparable = [each for each in others if (each.operation, each.dtype) == (shape.operation, shape.dtype)]
    assert shape.distance(shape) == 0
    assert all(shape.distance(other) == other.distance(shape) < float("inf") for other in comparable)
    assert Table().way(shape, WAYS) == "onednn"


def test_measurements_are_kept_and_found_before_those_of_the_package() -> None:
    before = table()
    keep([_measured(onednn=10.0, winograd=1.0)], {"convnet": "float32"}, "2026-01-01")
    keep([_measured(onednn=1.0, winograd=10.0)], {}, "2026-01-02")
    assert table().measured == (_measured(onednn=1.0, winograd=10.0), *before.measured)
    assert table().precisions["convnet"] == "float32"
    assert "measured here on 2026-01-02" in table().source
    own_file().write_text("{")
    assert table() == before


@pytest.mark.parametrize("instructions", ["avx2", "avx512_bf16"])
def test_the_package_has_measurements_of_common_processors(instructions: str) -> None:
    """Each of a shape that the code has, with its ways in their order."""
    found = packaged_measurements(instructions)
    assert found is not None
    assert found.measured
    for one in found.measured:
        assert tuple(one.milliseconds) == tensorflow_choices.WAYS[one.shape.operation](one.shape)


def _network(pixels: int = 12, *, norm: bool = False) -> keras.Model:
    inputs = keras.Input((pixels, pixels, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(inputs))
    x = layers.BatchNormalization()(x) if norm else x
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.slow
def test_a_processor_that_nobody_has_measured_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    monkeypatch.setattr(measurements, "instruction_set", lambda: "new")
    calls: list[int] = []
    measure = tensorflow_choices.measure
    monkeypatch.setattr(tensorflow_choices, "measure", lambda *given: calls.append(1) or measure(*given))
    first = tensorflow_choices.choose(_network(), 4, 100, "float32")
    assert [choice.shape for choice in first.choices] == [Shape("conv + pool", "float32", 12, 3, 4)]
    assert tensorflow_choices.choose(_network(), 4, 100, "float32") == first
    assert len(calls) == 1
    assert set(json.loads(own_file().read_text())["measured"][0]["milliseconds"]) == {*WAYS, "xla-pool"}


def test_a_short_training_has_nothing_to_choose() -> None:
    assert tensorflow_choices.choose(_network(), 4, 1, "float32") == Choices()


def test_choices_are_stored_as_json() -> None:
    choices = Choices((Choice(SHAPE, "xla"),), 16, "measured here")
    assert from_json(Choices, json.loads(json.dumps(to_json(choices)))) == choices


@given(batch=st.integers(1, 300), precision=st.sampled_from(["float32", "bfloat16"]))
def test_a_part_divides_the_batch_and_fits(batch: int, precision: str) -> None:
    model = _LARGE
    part = part_size(model, batch, precision)
    an_image = (2 if precision == "bfloat16" else 4) * sum(
        int(layer.output.shape[1] * layer.output.shape[2] * layer.output.shape[3]) if len(layer.output.shape) == 4
        else int(layer.output.shape[1])
        for layer in model.layers
    )  # fmt: skip
    assert batch % part == 0
    assert part * an_image <= BYTES or part < 8 or not any(batch % size == 0 for size in range(4, part))


_LARGE = _network(400)


def test_what_looks_at_the_whole_batch_is_not_computed_in_parts() -> None:
    assert part_size(_network(400), 256, "float32") < 256
    with_norm = _network(400, norm=True)
    assert part_size(with_norm, 256, "float32") == 256
    with_norm.layers[3].trainable = False
    assert part_size(with_norm, 256, "float32") < 256


def test_layers_inside_other_layers_are_no_problem() -> None:
    inputs = keras.Input((6, 5))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(layers.TimeDistributed(layers.Dense(3))(x))))
    assert part_size(model, 16, "float32") == 16


def test_predictions_are_computed_in_parts_that_fit() -> None:
    model = _network(400)
    steps = tensorflow_steps.TensorFlowSteps(model, 4, 1, Choices())
    seen: list[int] = []
    inner = steps._outputs
    steps._outputs = lambda images: seen.append(len(images)) or inner(images)
    images = np.random.default_rng(0).random((images_that_fit(model, "float32") + 3, 400, 400, 3), np.float32)
    outputs = steps.predict(images)
    assert seen == [len(images) - 3, 3]
    np.testing.assert_allclose(outputs, model.predict_on_batch(images), rtol=1e-4, atol=1e-6)


class _Own(layers.Layer):
    """It might compare the images of a batch."""

    def call(self, x: object) -> object:
        return x


def test_a_users_own_layer_gets_whole_batches(tmp_path: Path) -> None:
    inputs = keras.Input((400, 400, 3))
    x = layers.Flatten()(_Own()(layers.Conv2D(8, 3)(inputs)))
    assert part_size(keras.Model(inputs, layers.Dense(1)(x)), 256, "float32") == 256
