"""Parts of a head with one prediction for each picture or text. No layer of a backbone has their names: Keras refuses
two layers with the same name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
from keras import ops

from tfft.models.graph import nodes_in_order

LOWEST = -1e4
"""Below any feature, and finite in half precision too."""
Pooling = Literal["avg", "max", "avg+max", "first", "last"]


def hidden_layers(x: keras.KerasTensor, units: Sequence[int]) -> keras.KerasTensor:
    """Adds Dense layers with ReLU, one for each entry of `units`: (batch, channels) to (batch, last units)."""
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"head_hidden_{number}")(x)
    return x


def pooled(
    features: keras.KerasTensor | list[keras.KerasTensor], pooling: Pooling, name: str = "head_pool"
) -> keras.KerasTensor:
    """Pools features: (batch, ..., channels) to (batch, channels), or twice the channels for `"avg+max"`.

    Features of texts come with a mask, (batch, length), 1 for tokens and 0 for padding, which is ignored. `"first"` and
    `"last"` are for texts: the features of the first token, or of the last that is not padding.
    """
    layers, mask = keras.layers, None
    if isinstance(features, list):
        features, mask = features
    if pooling == "first":
        return features[:, 0]
    if pooling == "last":
        # the mean of one token: a mask of the last alone, where as many tokens have come as there are
        come, count = ops.cumsum(mask, axis=1), ops.sum(mask, axis=1, keepdims=True)
        pooling, mask = "avg", mask * ops.cast(ops.equal(come, count), mask.dtype)
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
        return pool(pooling, name)
    return layers.Concatenate(name=name)([pool(kind, f"{name}_{kind}") for kind in ("avg", "max")])


def only_dense(model: keras.Model) -> keras.layers.Dense | None:
    """Returns the only trainable layer of a model with weights if it is a Dense layer for vectors; else None."""
    trained = [layer for layer in model.layers if layer.trainable and layer.weights]
    if len(trained) != 1 or not isinstance(trained[0], keras.layers.Dense) or not trained[0].use_bias:
        return None
    return trained[0] if len(trained[0].input.shape) == 2 else None


def around(model: keras.Model, layer: keras.Layer) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """Returns what is below and above a layer of a model, in inference mode.

    Args:
        model: A functional model with one output.
        layer: A layer with an `activation` that is called once.

    Returns:
        A function from the tensors that the model takes to the one that the layer takes, and one from the products of
        the layer, before its activation, to the output of the model.
    """
    node = next(node for node in nodes_in_order(model) if node.layer is layer)
    given, output = model.inputs[0] if len(model.inputs) == 1 else model.inputs, model.outputs[0]
    below = None if node.inputs[0] is given else keras.Model(given, node.inputs[0])
    above = None if node.outputs[0] is output else keras.Model(node.outputs[0], output)

    def features_of(tensors: Any) -> Any:
        return tensors if below is None else below(tensors, training=False)

    def outputs_of(products: Any) -> Any:
        activated = layer.activation(products)
        return activated if above is None else above(activated, training=False)

    return features_of, outputs_of
