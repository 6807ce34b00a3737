"""A model of one size as a model of any size: it takes a picture and answers in the pixels of that."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


def any_size(model: keras.Model) -> keras.Model:
    """Puts the resizing of pictures before a model, and behind it that of its answers.

    Maps, (batch, height, width, channels), become as large as the picture, bilinear; boxes, which a model gives under
    the name `boxes` as (batch, most, 4) in its own pixels, get those of the picture. At the size of the model, pictures
    and answers stay as they are, to the last bit.

    Args:
        model: Takes (batch, height, width, 3) in [0, 255]; gives a map, or a dictionary with `boxes`.

    Returns:
        A model that takes (batch, any height, any width, 3), made of Keras's own layers and operations.
    """
    height, width = model.inputs[0].shape[1:3]
    picture = keras.Input((None, None, 3), name="picture")
    # with antialias, as pictures are made smaller before training
    resized = keras.layers.Resizing(height, width, interpolation="bilinear", antialias=True, name="resized")(picture)
    answer = model(resized)
    if isinstance(answer, dict):
        scale = ops.stack([_length(picture, 2) / width, _length(picture, 1) / height] * 2)
        outputs: Any = {**answer, "boxes": ops.multiply(answer["boxes"], scale)}
    else:
        rows, columns = _places(picture, 1, height), _places(picture, 2, width)
        outputs = ops.einsum("xw,byw...->byx...", columns, ops.einsum("yh,bhwc->bywc", rows, answer))
    return keras.Model(picture, outputs, name=model.name)


def _ones(picture: Any, axis: int) -> Any:
    """As many ones as the picture has rows (axis 1) or columns (axis 2), which are not known yet."""
    line = picture[0, :, 0, 0] if axis == 1 else picture[0, 0, :, 0]
    return ops.ones_like(line)


def _length(picture: Any, axis: int) -> Any:
    return ops.sum(_ones(picture, axis))


def _places(picture: Any, axis: int, size: int) -> Any:
    """Weights of bilinear enlargement as a matrix, (pixels of the picture, pixels of the model)."""
    ones = _ones(picture, axis)
    middles = (ops.cumsum(ones) - 0.5) * size / ops.sum(ones) - 0.5
    middles = ops.clip(middles, 0, size - 1)
    return ops.relu(1 - ops.absolute(ops.expand_dims(middles, 1) - np.arange(size, dtype=np.float32)))
