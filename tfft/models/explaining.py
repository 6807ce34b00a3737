"""Where in a picture the answer of a network comes from."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfft.models.graph import nodes_in_order

LEAST_SIDE = 2
"""Least height and width of a feature map that says where something is."""


def heat_maps(model: keras.Model, pixels: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
    """Which parts of pictures speak for one output of a model: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391).

    The feature maps of the last layer that has any are weighted by the gradient of the output, or of a probability by
    that of its logarithm. Of a head that sees several blocks this shows what it takes from the last one. It works on
    the graph of the model, so preprocessing inside the model or a nested backbone changes nothing.

    Args:
        model: A functional model of pictures with outputs (batch, outputs).
        pixels: (batch, height, width, 3), in [0, 255].
        indices: Index of the output to explain for each picture, (batch,).

    Returns:
        (batch, rows, columns), float32 in [0, 1], 1 for the part of each picture that says most; None for a model
        without feature maps, or with other outputs.
    """
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return None
    learned: set[int] = set()  # what comes after a layer with weights: pixels say where nothing is
    maps = []
    for node in nodes_in_order(model):
        if (node.layer is not None and node.layer.weights) or any(id(tensor) in learned for tensor in node.inputs):
            learned |= {id(tensor) for tensor in node.outputs}
            maps += [node.outputs[0]] if _is_map(node.outputs[0]) else []
    if not maps:
        return None
    both = keras.Model(model.inputs, [maps[-1], model.outputs[0]])
    last = model.outputs[0]._keras_history.operation
    chance = getattr(getattr(last, "activation", None), "__name__", "") in ("softmax", "sigmoid")
    with tf.GradientTape() as tape:
        features, outputs = both(tf.cast(pixels, tf.float32), training=False)
        chosen = tf.gather(outputs, tf.constant(indices, tf.int32), axis=1, batch_dims=1)
        said = tf.math.log(tf.maximum(chosen, keras.config.epsilon())) if chance else chosen
    gradient = tape.gradient(said, features)
    if gradient is None:
        return None
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1)).numpy().astype(np.float32)
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)


def _is_map(tensor: keras.KerasTensor) -> bool:
    return len(tensor.shape) == 4 and all(side is not None and side >= LEAST_SIDE for side in tensor.shape[1:3])
