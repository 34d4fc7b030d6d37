"""Batch norm, ReLU, addition and pooling of a residual network compute what Keras's layers compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from greycard.backend import layer_settings, tensorflow_norm, tensorflow_pool
from greycard.backend.choices import Choices
from greycard.backend.tensorflow_forward import forward
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe

tf = pytest.importorskip("tensorflow")

TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2}
"""How far each array may be from Keras's: the length of the difference, as a share of Keras's length."""

SIZE = (8, 7, 3)


class OtherNorm(layers.BatchNormalization):
    """Batch norm that is not Keras's."""


class OtherActivation(layers.Activation):
    """An activation that is not Keras's."""


def _norm(**fields: Any) -> keras.Layer:
    return layers.BatchNormalization(momentum=0.8, **fields)


FASTER: dict[str, Callable[[], keras.Layer]] = {
    "norm": _norm,
    "norm, last axis by its number": lambda: _norm(axis=3),
    "norm with another epsilon": lambda: _norm(epsilon=0.1),
    "regularized norm": lambda: _norm(gamma_regularizer="l2", beta_regularizer="l1"),
    "relu": lambda: layers.Activation("relu"),
    "a relu layer": layers.ReLU,
    "pooling": lambda: layers.MaxPooling2D(2),
}
OTHERS: dict[str, Callable[[], keras.Layer]] = {
    "norm of rows": lambda: _norm(axis=1),
    "norm without scale": lambda: _norm(scale=False),
    "norm without center": lambda: _norm(center=False),
    "renorm": lambda: _norm(renorm=True),
    "frozen norm": lambda: _norm(trainable=False),
    "regularized result": lambda: _norm(activity_regularizer="l2"),
    "norm in float16": lambda: _norm(dtype="mixed_float16"),
    "a subclass of norm": lambda: OtherNorm(momentum=0.8),
    "layer norm": lambda: layers.LayerNormalization(),
    "relu6": lambda: layers.Activation("relu6"),
    "relu with a limit": lambda: layers.ReLU(max_value=1.0),
    "leaky relu": lambda: layers.ReLU(negative_slope=0.1),
    "relu above a threshold": lambda: layers.ReLU(threshold=0.5),
    "regularized relu": lambda: layers.Activation("relu", activity_regularizer="l2"),
    "a subclass of an activation": lambda: OtherActivation("relu"),
    "tanh": lambda: layers.Activation("tanh"),
    "padded pooling": lambda: layers.MaxPooling2D(2, padding="same"),
    "overlapping pooling": lambda: layers.MaxPooling2D(3, strides=2),
    "average pooling": lambda: layers.AveragePooling2D(2),
}


def _matches(layer: keras.Layer) -> bool:
    matchers = (layer_settings.is_batch_norm, tensorflow_norm.relu_matches, tensorflow_pool.matches)
    return any(match(layer) for match in matchers)


def _model(body: Callable[[keras.KerasTensor], keras.KerasTensor], size: tuple[int, ...] = SIZE) -> keras.Model:
    """A convolution, the body, and an output; no weight has its initial value."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(size)
    x = body(layers.Conv2D(5, 3, padding="same", use_bias=False)(inputs))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    draws = np.random.default_rng(4)
    for variable in model.trainable_variables:
        variable.assign(variable + draws.normal(scale=0.3, size=variable.shape))
    return model


def _results(model: keras.Model, call: Callable[[Any], Any], images: np.ndarray) -> list[np.ndarray]:
    """Outputs, loss, the gradients of images and weights, and the moving statistics, which are then put back."""
    x = tf.constant(images)
    kept = [variable.numpy() for variable in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = call(x)
        losses = [tf.cast(loss, tf.float32) for loss in model.losses]
        total = tf.add_n([tf.reduce_sum(outputs * tf.range(1.0, 4.0)), *losses])
    gradients = tape.gradient(total, [x, *(variable.value for variable in model.trainable_variables)])
    found = [np.asarray(each, np.float64) for each in (outputs, total, *gradients, *model.non_trainable_variables)]
    for variable, value in zip(model.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    return found


def _expect_keras(model: keras.Model, precision: str, count: int = 6) -> None:
    images = np.random.default_rng(5).normal(2, 3, size=(count, *model.input_shape[1:])).astype(np.float32)
    fused = forward(model, Choices())
    with mixed_precision(model, precision):
        ours = _results(model, fused, images)
        theirs = _results(model, lambda x: model(x, training=True), images)
    for found, expected in zip(ours, theirs, strict=True):
        assert np.linalg.norm(found - expected) <= TOLERANCE[precision] * np.linalg.norm(expected) + 1e-3


@pytest.mark.parametrize("name", FASTER | OTHERS)
def test_each_layer_computes_what_keras_does(name: str, precision: str) -> None:
    made = []

    def body(x: keras.KerasTensor) -> keras.KerasTensor:
        made.append((FASTER | OTHERS)[name]())
        return layers.Conv2D(4, 1)(made[0](x))

    model = _model(body)
    assert _matches(made[0]) == (name in FASTER)
    _expect_keras(model, precision)


def _block(x: keras.KerasTensor, stride: int = 1) -> keras.KerasTensor:
    y = layers.Conv2D(5, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.Activation("relu")(_norm()(y))
    y = _norm()(layers.Conv2D(5, 3, padding="same", use_bias=False)(y))
    shortcut = _norm()(layers.Conv2D(5, 1, strides=stride, use_bias=False)(x)) if stride > 1 else x
    return layers.Activation("relu")(layers.Add()([y, shortcut]))


BODIES: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "blocks": lambda x: _block(_block(x), 2),
    "norm before and after pooling": lambda x: layers.ReLU()(_norm()(layers.MaxPooling2D(2)(_norm()(x)))),
    "two equal inputs": lambda x: layers.Add()([x, x]),
    "three inputs": lambda x: layers.Add()([x, layers.ReLU()(x), _norm()(x)]),
    "inputs of two shapes": lambda x: layers.Add()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)]),
    "inputs of two precisions": lambda x: layers.Add()([layers.Conv2D(5, 1, dtype="float32")(x), _norm()(x)]),
    "norm of a vector": lambda x: _norm()(layers.GlobalMaxPooling2D()(x)),
    "a layer that is called twice": lambda x: (lambda norm: norm(layers.ReLU()(norm(x))))(_norm()),
    "a layer that does not cast": lambda x: layers.Dense(2)(layers.Flatten(autocast=False)(_norm()(x))),
    "an operation that is no layer": lambda x: keras.ops.square(_norm()(x)),
    "a nested model": lambda x: keras.Sequential([keras.Input(x.shape[1:]), _norm(), layers.ReLU()])(x),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_graph_computes_what_keras_does(name: str, precision: str) -> None:
    _expect_keras(_model(BODIES[name]), precision)


@settings(max_examples=8)
@given(height=st.integers(1, 9), width=st.integers(1, 9), count=st.integers(1, 5))
def test_batch_norm_of_any_number_of_pixels_computes_what_keras_does(height: int, width: int, count: int) -> None:
    """One pixel has no variance."""
    _expect_keras(_model(lambda x: layers.ReLU()(_norm()(x)), (height, width, 2)), "float32", count)


def test_a_sequential_model_is_a_graph_too() -> None:
    model = keras.Sequential([keras.Input(SIZE), layers.Conv2D(4, 3), _norm(), layers.Flatten(), layers.Dense(3)])
    _expect_keras(model, "float32")


def test_a_model_with_its_own_call_is_called() -> None:
    class Doubled(keras.Model):
        def call(self, inputs: Any, training: bool = False) -> Any:
            return 2 * super().call(inputs, training=training)

    inputs = keras.Input((4,))
    model = Doubled(inputs, layers.Dense(3)(inputs))
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(forward(model, Choices())(x), model(x, training=True))


def test_a_bfloat16_result_is_passed_on_in_bfloat16() -> None:
    """Keras would cast it to float32 for each layer without weights, and back."""
    model = _model(lambda x: layers.Conv2D(2, 1)(_block(layers.MaxPooling2D(2)(x))))
    seen = []
    last = model.layers[-3]
    original = last.call
    last.call = lambda x: seen.append(x.dtype) or original(x)
    for layer in model.layers:
        if isinstance(layer, layers.Activation | layers.Add | layers.MaxPooling2D):
            layer.call = None
    with mixed_precision(model, "bfloat16"):
        forward(model, Choices())(np.ones((2, *SIZE), np.float32))
    assert seen == ["bfloat16"]


def test_every_norm_of_the_resnet_family_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes it fast must not be lost unnoticed."""
    seen: list[str] = []
    fused = tensorflow_norm.fused_norm
    monkeypatch.setattr(tensorflow_norm, "fused_norm", lambda layer: seen.append(layer.name) or fused(layer))
    network = build_model(
        Recipe.make(name="r", dataset="d", image_size=(16, 16), width=4, task="multiclass"), 3
    ).network
    forward(network, Choices())
    assert sorted(seen) == sorted(each.name for each in network.layers if isinstance(each, layers.BatchNormalization))
