"""A model that computes the same in less time: frozen BatchNormalization is folded into the convolution below it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfft.models.graph import Node, nodes_in_order
from tfft.models.grouped import Grouped, can_be_grouped

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
"""Layers that a BatchNormalization above them is folded into."""


def folded(model: keras.Model) -> keras.Model:
    """A functional model that computes the same with fewer operations; its layers are those of the model.

    A frozen BatchNormalization scales and shifts each channel. The scale goes into the kernel of the convolution
    below, which may be trained, and the shift becomes its bias. A GroupNormalization is computed by `Grouped`. Answers
    differ by rounding, about 1e-6 of the largest.

    Args:
        model: A functional model whose `trainable` flags do not change while the result is used.

    Returns:
        A model to compute with; to save, use the one that it was made from. The model itself if nothing can be folded.
    """
    norms = _foldable(model)
    if not norms and not any(can_be_grouped(node.operation) for node in nodes_in_order(model)):
        return model
    if isinstance(model, keras.Sequential):  # which Keras does not clone with another call
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    folded_in = {id(norm) for norm in norms.values()}

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if id(layer) in norms:
            return WithNorm(layer, norms[id(layer)])(args[0])
        if can_be_grouped(layer):
            return Grouped(layer)(args[0])
        return InConvolution(layer)(args[0]) if id(layer) in folded_in else layer(*args, **kwargs)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


class WithNorm(keras.layers.Layer):
    """A convolution and the frozen BatchNormalization above it, in one operation.

    Args:
        convolution: One of `CONVOLUTIONS`, without activation.
        norm: The BatchNormalization, which is used in inference mode. Its weights are not among those of this layer.
    """

    def __init__(self, convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization):
        super().__init__(name=convolution.name)
        self.convolution, self.norm_of = convolution, lambda: norm  # Keras would track the layer itself
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        layer, norm = self.convolution, self.norm_of()
        scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
        if norm.scale:
            scale *= norm.gamma
        shift = (layer.bias - norm.moving_mean if layer.use_bias else -norm.moving_mean) * scale
        if norm.center:
            shift += norm.beta
        # not `+`: TensorFlow fuses a bias and the activation above it with the convolution
        return tf.nn.bias_add(_convolved(layer, inputs, scale), shift)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.convolution.compute_output_spec(inputs)


class InConvolution(keras.layers.Layer):
    """In place of a BatchNormalization that the convolution below computes: so weights keep their order.

    Args:
        norm: The BatchNormalization.
    """

    def __init__(self, norm: keras.layers.BatchNormalization):
        super().__init__(name=norm.name)
        self.norm = norm
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def _convolved(layer: keras.layers.Layer, inputs: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """The output of a convolution without its bias, times a scale for each channel."""
    options = {"padding": layer.padding, "data_format": "channels_last", "dilation_rate": layer.dilation_rate}
    match layer:
        case keras.layers.DepthwiseConv2D():
            kernel = layer.kernel * ops.reshape(scale, layer.kernel.shape[-2:])
            return ops.depthwise_conv(inputs, kernel, layer.strides, **options)
        case keras.layers.SeparableConv2D():
            kernels = layer.depthwise_kernel, layer.pointwise_kernel * scale
            return ops.separable_conv(inputs, *kernels, layer.strides, **options)
    return ops.conv(inputs, layer.kernel * scale, list(layer.strides), **options)


def _foldable(model: keras.Model) -> dict[int, keras.layers.BatchNormalization]:
    """By the `id` of a convolution, the BatchNormalization above it that can be folded into it."""
    nodes = nodes_in_order(model)
    users: dict[int, list[Node | None]] = {id(tensor): [None] for tensor in model.outputs}
    calls: dict[int, int] = {}
    for node in nodes:
        calls[id(node.operation)] = calls.get(id(node.operation), 0) + 1
        for tensor in node.inputs:
            users.setdefault(id(tensor), []).append(node)
    norms = {}
    for node in nodes:
        above = users.get(id(node.outputs[0]), [])
        if len(above) != 1 or above[0] is None:
            continue
        layer, norm = node.operation, above[0].operation
        if calls[id(layer)] == calls[id(norm)] == 1 and _is_bare(layer) and _is_frozen(norm, layer):
            norms[id(layer)] = norm
    return norms


def _is_bare(layer: keras.Operation) -> bool:
    """Whether an operation is a convolution and nothing else, in single precision."""
    return (
        type(layer) in CONVOLUTIONS
        and layer.activation is keras.activations.linear
        and layer.activity_regularizer is None
        and layer.data_format == "channels_last"
        and layer.compute_dtype == "float32"
    )


def _is_frozen(norm: keras.Operation, below: keras.layers.Layer) -> bool:
    """Whether an operation is a BatchNormalization of the channels of a convolution, in inference mode."""
    return (
        type(norm) is keras.layers.BatchNormalization
        and not norm.trainable
        and norm.axis in (-1, 3)
        and norm.compute_dtype == below.compute_dtype
    )
