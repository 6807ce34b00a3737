"""Turns a model with a fixed input size into a model for pictures of any size, with predictions in their pixels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


def any_size(model: keras.Model) -> keras.Model:
    """Adds resizing of the pictures in front of a model, and resizing of the predictions behind it.

    Maps, (batch, height, width, channels), are enlarged to the picture, bilinear; the output `boxes`, (batch, most, 4),
    is converted from pixels of the model to pixels of the picture. At the size of the model, pictures and predictions
    stay the same to the last bit.

    Args:
        model: Takes (batch, height, width, 3) in [0, 255]; outputs a map, or a dictionary with `boxes`.

    Returns:
        A model that takes (batch, any height, any width, 3), built from layers and operations of Keras.
    """
    height, width = model.inputs[0].shape[1:3]
    picture = keras.Input((None, None, 3), name="picture")
    # with antialias, as pictures are resized before training
    resized = keras.layers.Resizing(height, width, interpolation="bilinear", antialias=True, name="resized")(picture)
    predictions = model(resized)
    if isinstance(predictions, dict):
        scale = ops.stack([_length(picture, 2) / width, _length(picture, 1) / height] * 2)
        outputs: Any = {**predictions, "boxes": ops.multiply(predictions["boxes"], scale)}
    else:
        rows, columns = _enlargement(picture, 1, height), _enlargement(picture, 2, width)
        outputs = ops.einsum("xw,byw...->byx...", columns, ops.einsum("yh,bhwc->bywc", rows, predictions))
    return keras.Model(picture, outputs, name=model.name)


def _ones(picture: Any, axis: int) -> Any:
    """A one for each row (axis 1) or column (axis 2) of the picture, whose size is not known yet."""
    line = picture[0, :, 0, 0] if axis == 1 else picture[0, 0, :, 0]
    return ops.ones_like(line)


def _length(picture: Any, axis: int) -> Any:
    return ops.sum(_ones(picture, axis))


def _enlargement(picture: Any, axis: int, size: int) -> Any:
    """Weights of bilinear interpolation as a matrix, (pixels of the picture, pixels of the model)."""
    ones = _ones(picture, axis)
    middles = (ops.cumsum(ones) - 0.5) * size / ops.sum(ones) - 0.5
    middles = ops.clip(middles, 0, size - 1)
    return ops.relu(1 - ops.absolute(ops.expand_dims(middles, 1) - np.arange(size, dtype=np.float32)))
