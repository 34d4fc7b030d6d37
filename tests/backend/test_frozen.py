"""A convolution with a frozen batch norm after it computes what Keras's two layers compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from greycard.backend import tensorflow_frozen
from greycard.backend.choices import Choice, Choices, Shape
from greycard.backend.tensorflow_forward import forward
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe

tf = pytest.importorskip("tensorflow")

TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2}
"""How far each array may be from Keras's: the length of the difference, as a share of Keras's length."""


class OtherNorm(layers.BatchNormalization):
    """Batch norm that is not Keras's."""


def _conv(kernel: int = 3, **fields: Any) -> keras.Layer:
    return layers.Conv2D(6, kernel, **fields)


def _norm(**fields: Any) -> keras.Layer:
    return layers.BatchNormalization(epsilon=1e-3, **{"trainable": False, **fields})


Pair = Callable[[], tuple[keras.Layer, keras.Layer]]

FUSED: dict[str, Pair] = {
    "1×1": lambda: (_conv(1, use_bias=False), _norm()),
    "1×1 with bias": lambda: (_conv(1), _norm()),
    "1×1 with stride": lambda: (_conv(1, strides=2), _norm()),
    "3×3": lambda: (_conv(), _norm()),
    "3×3 with padding": lambda: (_conv(padding="same", use_bias=False), _norm()),
    "3×3 with stride": lambda: (_conv(strides=2, padding="same"), _norm()),
    "5×3": lambda: (layers.Conv2D(6, (5, 3), padding="same"), _norm()),
    "without scale": lambda: (_conv(1), _norm(scale=False)),
    "without center": lambda: (_conv(1), _norm(center=False)),
    "regularized": lambda: (_conv(1, kernel_regularizer="l2"), _norm(beta_regularizer="l2")),
}
OTHERS: dict[str, Pair] = {
    "trained norm": lambda: (_conv(1), _norm(trainable=True)),
    "norm of rows": lambda: (_conv(1), _norm(axis=1)),
    "a subclass of norm": lambda: (_conv(1), OtherNorm(trainable=False)),
    "another precision": lambda: (_conv(1), _norm(dtype="mixed_float16")),
    "relu before the norm": lambda: (_conv(1, activation="relu"), _norm()),
    "groups": lambda: (layers.Conv2D(6, 3, groups=3), _norm()),
    "dilated": lambda: (_conv(dilation_rate=2), _norm()),
    "depthwise": lambda: (layers.DepthwiseConv2D(3), _norm()),
}


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", FUSED | OTHERS)
def test_each_pair_computes_what_keras_does(name: str, precision: str) -> None:
    pair = (FUSED | OTHERS)[name]()
    model = _model(lambda x: pair[1](pair[0](x)))
    assert tensorflow_frozen.matches(*pair) == (name in FUSED)
    _expect_keras(model, precision, Choices())


def test_a_way_is_chosen_for_a_convolution_of_3_by_3_pixels() -> None:
    chosen = Choices((Choice(Shape("conv", "float32", 9, 3, 6), "winograd"),))
    _expect_keras(_model(lambda x: _norm()(_conv(padding="same")(x)), size=(9, 9, 3)), "float32", chosen)


def test_a_result_that_is_used_twice_stays() -> None:
    def body(x: Any) -> Any:
        x = _conv(1)(x)
        return layers.Add()([x, _norm()(x)])

    _expect_keras(_model(body), "bfloat16", Choices())


def test_every_norm_of_a_tuned_last_block_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.make("tuned", "tuned", backbone="MobileNetV2", image_size=64, pooling="average", task="binary")
    base = build_model(recipe, 2).feature_layer
    assert base is not None
    seen: list[str] = []
    fused = tensorflow_frozen.fused
    monkeypatch.setattr(tensorflow_frozen, "fused", lambda *pair: seen.append(pair[1].name) or fused(*pair))
    base.trainable = True
    for layer in base.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    forward(base, Choices())
    convolutions = [layer for layer in base.layers if type(layer) is layers.Conv2D]
    assert len(seen) == len(convolutions) > 30


def _model(body: Callable[[Any], Any], size: tuple[int, ...] = (9, 8, 3)) -> keras.Model:
    """The body between ReLUs and an output; no weight has its initial value."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(size)
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(body(layers.ReLU()(inputs)))))
    draws = np.random.default_rng(4)
    for variable in model.variables:
        variable.assign(np.abs(variable + draws.normal(scale=0.3, size=variable.shape)) + 0.1)
    return model


def _expect_keras(model: keras.Model, precision: str, choices: Choices) -> None:
    images = tf.constant(np.random.default_rng(5).normal(1, 2, (4, *model.input_shape[1:])).astype(np.float32))
    faster = forward(model, choices)
    with mixed_precision(model, precision):
        expected = _results(model, lambda x: model(x, training=True), images)
        found = _results(model, faster, images)
    for one, other in zip(found, expected, strict=True):
        assert np.linalg.norm(one - other) <= TOLERANCE[precision] * np.linalg.norm(other) + 1e-3


def _results(model: keras.Model, call: Callable[[Any], Any], images: Any) -> list[np.ndarray]:
    """Outputs, the gradients of images and weights, and the statistics, which are then put back."""
    kept = [variable.numpy() for variable in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = call(images)
        total = tf.add_n([tf.reduce_sum(outputs * tf.range(1.0, 4.0)), *map(_exact, model.losses)])
    gradients = tape.gradient(total, [images, *(variable.value for variable in model.trainable_variables)])
    found = [np.asarray(each, np.float64) for each in (outputs, total, *gradients, *model.non_trainable_variables)]
    for variable, value in zip(model.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    return found


def _exact(loss: Any) -> Any:
    return tf.cast(loss, tf.float32)
