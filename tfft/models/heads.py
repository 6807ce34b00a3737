"""Parts of a head that answers once for each picture or text. Their names are those that no backbone has, for Keras
refuses a second layer of one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
from keras import ops

LOWEST = -1e4
"""Below what any feature is, and a number in half precision too."""
Pooling = Literal["avg", "max", "avg+max", "first"]


def hidden_layers(x: keras.KerasTensor, units: Sequence[int]) -> keras.KerasTensor:
    """Dense layers with ReLU, one for each number of units; (batch, channels) to (batch, last units)."""
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"head_hidden_{number}")(x)
    return x


def pooled(features: keras.KerasTensor | list[keras.KerasTensor], pooling: Pooling) -> keras.KerasTensor:
    """Pools features: (batch, ..., channels) to (batch, channels), twice the channels for both poolings.

    Features of texts come with a mask, (batch, length), 1 where a token is; those of the others do not count.
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

    def one(kind: str, name: str) -> keras.KerasTensor:
        if mask is None:
            return kinds[kind](name=name)(features)
        if kind == "avg":
            return kinds[kind](name=name)(features, mask=mask)
        # Keras's maximum takes no mask
        return kinds[kind](name=name)(ops.where(ops.expand_dims(mask, -1) > 0, features, LOWEST))

    if pooling != "avg+max":
        return one(pooling, "head_pool")
    return layers.Concatenate(name="head_pool")([one(kind, f"head_pool_{kind}") for kind in ("avg", "max")])
