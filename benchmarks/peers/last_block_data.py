"""What the peers that tune a last block share: MobileNetV2, and the maps below its last block, computed once.

    python benchmarks/peers/last_block_data.py FOLDER --weights FILE --out MAPS

FOLDER has a folder for each class. MAPS gets the maps of all images, their labels and the last block's weights, so that
each peer trains the same network on the same numbers. The last block is the one that Greycard tunes: two convolutions,
whose batch norm stays frozen. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

SIZE, BATCH, RATE = 224, 32, 1e-4
BELOW = "block_16_depthwise_relu"
"""The layer whose output is the map below the last block."""


def main() -> None:
    asked = _options()
    images, labels = _decoded(asked.folder)
    base = backbone(asked.weights)
    below = keras.Model(base.input, base.get_layer(BELOW).output)
    begun = time.perf_counter()
    maps = below.predict(images.astype(np.float32) / 127.5 - 1, batch_size=BATCH, verbose=0)
    seconds = time.perf_counter() - begun
    asked.out.mkdir(parents=True, exist_ok=True)
    np.save(asked.out / "maps.npy", maps)
    np.save(asked.out / "labels.npy", labels)
    np.savez(asked.out / "weights.npz", *last_block(maps.shape[1:], base).get_weights())
    print(json.dumps({"images": len(maps), "seconds": seconds}))


def backbone(weights: Path | None) -> keras.Model:
    return keras.applications.MobileNetV2(
        include_top=False, weights=str(weights) if weights else None, input_shape=(SIZE, SIZE, 3)
    )


def last_block(shape: tuple[int, ...], base: keras.Model | None = None) -> keras.Model:
    """The last block and a new head, on maps; batch norm is frozen.

    Args:
        shape: of a map.
        base: the backbone whose weights it gets, if any.
    """
    inputs = x = keras.Input(shape, dtype="float32")
    for name, filters in (("block_16_project", 320), ("Conv_1", 1280)):
        x = layers.Conv2D(filters, 1, use_bias=False, name=name)(x)
        norm = f"{name}_BN" if name == "block_16_project" else "Conv_1_bn"
        x = layers.BatchNormalization(epsilon=1e-3, trainable=False, name=norm)(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(x))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", dtype="float32")(x))
    given = {layer.name: layer for layer in base.layers} if base else {}
    for layer in model.layers:
        if layer.name in given and layer.weights:
            layer.set_weights(given[layer.name].get_weights())
    return model


def _decoded(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    batches = keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(SIZE, SIZE), batch_size=64, shuffle=False, verbose=False
    )
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images).astype(np.uint8), np.concatenate(labels)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
