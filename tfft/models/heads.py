"""Parts of a head with one prediction for each picture or text. No layer of a backbone has their names: Keras refuses
two layers with the same name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
from keras import ops

LOWEST = -1e4
"""Below any feature, and finite in half precision too."""
Pooling = Literal["avg", "max", "avg+max", "first"]


def hidden_layers(x: keras.KerasTensor, units: Sequence[int]) -> keras.KerasTensor:
    """Adds Dense layers with ReLU, one for each entry of `units`: (batch, channels) to (batch, last units)."""
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"head_hidden_{number}")(x)
    return x


def pooled(features: keras.KerasTensor | list[keras.KerasTensor], pooling: Pooling) -> keras.KerasTensor:
    """Pools features: (batch, ..., channels) to (batch, channels), or twice the channels for `"avg+max"`.

    Features of texts come with a mask, (batch, length), 1 for tokens and 0 for padding, which is ignored.
    """
    layers, mask = keras.layers, None
    if isinstance(features, list):
        features, mask = features
    if pooling == "first":
        return features[:, 0]
    kinds = {
        4: {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D},
        3: {"avg": layers.GlobalAveragePooling1D, "max": layers.GlobalMaxPooling1D},
    }.get(len(features.shape))
    if kinds is None:
        return features

    def pool(kind: str, name: str) -> keras.KerasTensor:
        if mask is None:
            return kinds[kind](name=name)(features)
        if kind == "avg":
            return kinds[kind](name=name)(features, mask=mask)
        # Keras's max pooling takes no mask
        return kinds[kind](name=name)(ops.where(ops.expand_dims(mask, -1) > 0, features, LOWEST))

    if pooling != "avg+max":
        return pool(pooling, "head_pool")
    return layers.Concatenate(name="head_pool")([pool(kind, f"head_pool_{kind}") for kind in ("avg", "max")])
