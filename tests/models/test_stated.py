"""A user's own Keras model gets its statement from its graph, or a sentence that says what is missing."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from greycard.core.errors import GreycardError
from greycard.explain.feature_maps import feature_maps, first_filters
from greycard.explain.gradcam import grad_cam
from greycard.models.calibrated import calibrated_model
from greycard.models.stated import stated
from greycard.tasks.multiclass import MultiClass

TASK = MultiClass(3)

Tensor = keras.KerasTensor


def _model(body: Callable[[Tensor], Tensor], units: int = 3) -> keras.Model:
    pixels = keras.Input((12, 12, 3), dtype="uint8", name="pixels")
    return keras.Model(pixels, layers.Dense(units, activation="softmax", name="head")(body(pixels)))


def _convolved(x: Tensor, name: str = "conv") -> Tensor:
    return layers.Conv2D(4, 3, activation="relu", name=name)(layers.Rescaling(1 / 255, name="scale")(x))


def _nested(pooled: bool) -> layers.Layer:
    inner = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, name="inner_conv")(inner)
    return keras.Model(inner, layers.GlobalAveragePooling2D()(x) if pooled else x, name="inner")


def _pooled(x: Tensor) -> Tensor:
    return layers.Flatten(name="flat")(layers.MaxPooling2D()(_convolved(x)))


def _averaged(x: Tensor) -> Tensor:
    return layers.Dense(5)(layers.GlobalAveragePooling2D(name="mean")(_convolved(x)))


def _dense(x: Tensor) -> Tensor:
    return layers.Dense(5)(layers.Flatten(name="flat")(layers.Rescaling(1 / 255)(x)))


def _augmented(x: Tensor) -> Tensor:
    """What augments is a nested model, too, and not the one that is explained."""
    flipped = keras.Sequential([keras.Input((12, 12, 3)), layers.RandomFlip()], name="augment")(x)
    return layers.Flatten(name="flat")(_convolved(flipped))


def _only_augmented(x: Tensor) -> Tensor:
    return layers.Flatten(name="flat")(keras.Sequential([keras.Input((12, 12, 3)), layers.RandomFlip()])(x))


def _nested_sequence(x: Tensor) -> Tensor:
    inner = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(4, 3, name="inner_conv")], name="inner")
    return layers.Flatten(name="flat")(inner(x))


def _two_poolings(x: Tensor) -> Tensor:
    seen = _convolved(x)
    return layers.Concatenate(name="both")([layers.GlobalAveragePooling2D()(seen), layers.GlobalMaxPooling2D()(seen)])


def _two_scales(x: Tensor) -> Tensor:
    first = _convolved(x, "first")
    second = layers.Conv2D(4, 3, name="second")(first)
    return layers.Concatenate(name="both")([layers.GlobalAveragePooling2D()(each) for each in (first, second)])


GRAPHS = {
    "pooled and flattened": (_pooled, "conv", "flat"),
    "average": (_averaged, "conv", "mean"),
    "two poolings": (_two_poolings, "conv", "both"),
    "two scales": (_two_scales, None, "both"),
    "dense": (_dense, None, "flat"),
    "augmented": (_augmented, "conv", "flat"),
    "only augmented": (_only_augmented, None, "flat"),
    "nested sequence": (_nested_sequence, "inner", "flat"),
    "nested map": (lambda x: layers.Flatten(name="flat")(_nested(pooled=False)(x)), "inner", "flat"),
    "nested vector": (lambda x: _nested(pooled=True)(x), None, "inner"),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_parts_are_those_of_the_graph(name: str) -> None:
    body, feature_layer, features = GRAPHS[name]
    model = stated(_model(body))
    names = model.to_json()
    assert (names["feature_layer"], names["features"], names["head"]) == (feature_layer, features, "head")
    image = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        calibrated_model(model, TASK).predict_on_batch(image[None])["probabilities"],
        model.network.predict_on_batch(image[None]),
        atol=1e-6,
    )
    assert (first_filters(model) is None) == (feature_layer is None)
    if feature_layer:
        assert grad_cam(model, TASK, image, 1).shape == (12, 12)
        around = grad_cam(model, TASK, image, 1, part=0.5).copy()
        around[3:9, 3:9] = 0
        assert not around.any()  # the border, which such a model does not see
        assert any(name.endswith("conv") for name in feature_maps(model, image))
    else:
        assert feature_maps(model, image) == {}
        with pytest.raises(GreycardError, match="no feature map"):
            grad_cam(model, TASK, image, 1)


def test_a_sequential_model_and_a_last_activation_are_understood() -> None:
    network = keras.Sequential(
        [keras.Input((12, 12, 3)), layers.Conv2D(4, 3, name="conv"), layers.Flatten(), layers.Dense(3, name="logits")]
    )
    network.add(layers.Softmax())
    model = stated(network)
    assert (model.feature_layer.name, model.head.name) == ("conv", "logits")
    images = np.random.default_rng(0).random((4, 12, 12, 3), np.float32)
    np.testing.assert_allclose(
        calibrated_model(model, TASK).predict_on_batch(images)["probabilities"],
        network.predict_on_batch(images),
        atol=1e-6,
    )


class _Subclassed(keras.Model):
    def call(self, x: Tensor) -> Tensor:
        return x


def _ends_with_a_convolution() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    return keras.Model(inputs, layers.Conv2D(3, 12, name="last")(inputs))


def _two_outputs() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])


def _used_twice() -> keras.Model:
    inputs, dense = keras.Input((4,)), layers.Dense(4, name="dense")
    return keras.Model(inputs, dense(dense(inputs)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_Subclassed, "has no graph"),
        (lambda: keras.Sequential([layers.Dense(3)]), "has no graph"),
        (_ends_with_a_convolution, "ends with Conv2D 'last', not a dense head"),
        (_two_outputs, "1 inputs and 2 outputs"),
        (_used_twice, "'dense' is used 2 times"),
    ],
)
def test_what_cannot_be_stated_is_refused(make: Callable[[], keras.Model], said: str) -> None:
    with pytest.raises(GreycardError, match=said) as refused:
        stated(make())
    assert refused.value.hint
