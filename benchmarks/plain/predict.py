"""What a Keras tutorial does with a folder of new images: load one, predict it, print it, next.

python benchmarks/plain/predict.py MODEL FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras


def main() -> None:
    model = keras.models.load_model(sys.argv[1])
    for file in sorted(Path(sys.argv[2]).rglob("*.jpg")):
        image = keras.utils.load_img(file, target_size=model.input_shape[1:3])
        answer = model.predict(keras.utils.img_to_array(image, dtype="uint8")[None], verbose=0)[0, 0]
        print(file, "dog" if answer > 0.5 else "cat", answer, sep=",")


if __name__ == "__main__":
    main()
