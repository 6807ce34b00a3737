"""GroupNormalization with about half the work of Keras's layer, for training and prediction."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


class Grouped(keras.layers.Layer):
    """Computes a GroupNormalization of maps, (batch, height, width, channels).

    Keras's layer sums over three axes of five and broadcasts along two others, in both directions. Here sums are over
    positions alone, and each channel of an example is scaled and shifted once. Answers differ by rounding.

    Args:
        norm: The layer, whose weights are used.
    """

    def __init__(self, norm: keras.layers.GroupNormalization):
        super().__init__(name=norm.name)
        self.norm = norm
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        norm, shape = self.norm, tf.shape(inputs)
        x = tf.reshape(inputs, (shape[0], -1, inputs.shape[-1]))
        gamma = norm.gamma.value if norm.scale else tf.ones(x.shape[-1])
        beta = norm.beta.value if norm.center else tf.zeros(x.shape[-1])
        return tf.reshape(_normalized(norm.groups, norm.epsilon)(x, gamma, beta), shape)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def can_be_grouped(layer: keras.Operation) -> bool:
    """Whether an operation is a GroupNormalization of maps in single precision."""
    return (
        type(layer) is keras.layers.GroupNormalization
        and layer.compute_dtype == "float32"
        and layer.axis in (-1, 3)
        and layer.input_spec.ndim == 4
    )


def _normalized(groups: int, epsilon: float) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """A function from maps, (batch, positions, channels), scales and shifts, (channels,), to normalized maps."""

    @tf.custom_gradient
    def normalized(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        batch, channels = tf.shape(x)[0], x.shape[-1]

        def over_groups(values: tf.Tensor) -> tf.Tensor:
            """The mean over the channels of each group, for each of its channels: (batch, channels)."""
            means = tf.reduce_mean(tf.reshape(values, (batch, groups, -1)), 2, keepdims=True)
            return tf.reshape(tf.tile(means, (1, 1, channels // groups)), (batch, channels))

        mean = over_groups(tf.reduce_mean(x, 1))
        variance = over_groups(tf.reduce_mean(tf.math.squared_difference(x, mean[:, None]), 1))
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = inverse * gamma

        def gradient(above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            positions = tf.cast(tf.shape(x)[1], x.dtype)
            of_shift = tf.reduce_sum(above, 1)
            of_scale = (tf.reduce_sum(above * x, 1) - mean * of_shift) * inverse
            constant = over_groups(of_shift * gamma) / positions * inverse
            slope = over_groups(of_scale * gamma) / positions * inverse**2
            of_x = above * scale[:, None] + (mean * slope - constant)[:, None] - x * slope[:, None]
            return of_x, tf.reduce_sum(of_scale, 0), tf.reduce_sum(of_shift, 0)

        return x * scale[:, None] + (beta - mean * scale)[:, None], gradient

    return normalized
