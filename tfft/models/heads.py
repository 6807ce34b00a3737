"""A head that answers once for each picture or text: pooling, then Dense layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
from keras import ops

from tfft.errors import check_range

LOWEST = -1e4
"""Below what any feature is, and a number in half precision too."""
Pooling = Literal["avg", "max", "avg+max", "first"]


def dense_head(
    units: int,
    activation: str,
    *,
    hidden: Sequence[int],
    dropout: float,
    pooling: Pooling,
    name: str = "head_predictions",
) -> Callable[[Any], Any]:
    """From features to `units` numbers."""
    check_range("dropout", dropout, least=0, below=1, fix="0.2 is usual")
    check_range("hidden", min(hidden, default=1), least=1, fix="It holds numbers of units")

    def head(features: keras.KerasTensor) -> keras.KerasTensor:
        # names that no backbone has: Keras refuses a second layer of one name
        x = _pooled(features, pooling)
        for number, width in enumerate(hidden, start=1):
            x = keras.layers.Dense(width, activation="relu", name=f"head_hidden_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name="head_dropout")(x)
        # in float32 whatever the policy: half precision would round small probabilities away
        return keras.layers.Dense(units, activation=activation, dtype="float32", name=name)(x)

    return head


def _pooled(features: keras.KerasTensor | list[keras.KerasTensor], pooling: Pooling) -> keras.KerasTensor:
    """(batch, ..., channels) to (batch, channels), twice the channels for both poolings.

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

    def pooled(kind: str, name: str) -> keras.KerasTensor:
        if mask is None:
            return kinds[kind](name=name)(features)
        if kind == "avg":
            return kinds[kind](name=name)(features, mask=mask)
        # Keras's maximum takes no mask
        return kinds[kind](name=name)(ops.where(ops.expand_dims(mask, -1) > 0, features, LOWEST))

    if pooling != "avg+max":
        return pooled(pooling, "head_pool")
    return layers.Concatenate(name="head_pool")([pooled(kind, f"head_pool_{kind}") for kind in ("avg", "max")])
