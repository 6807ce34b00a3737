"""Changes to the answers of a classifier that need no training: they become part of the weights of its last layer."""

from __future__ import annotations

import keras
import numpy as np

from tfft.errors import ConfigError


def rescale_outputs(model: keras.Model, divisor: float, shift: np.ndarray | float) -> None:
    """Divides the logits of a model and shifts them, by changing the kernel and the bias of its last layer.

    Args:
        model: See `last_dense`.
        divisor: Above 0.
        shift: Added to the divided logits, (classes,) or a number.
    """
    layer = last_dense(model)
    layer.kernel.assign(layer.kernel / divisor)
    layer.bias.assign(layer.bias / divisor + np.asarray(shift, np.float32))


def last_dense(model: keras.Model) -> keras.layers.Dense:
    """The last layer of a classifier.

    Raises:
        ConfigError: If it is no Dense layer with a bias and the activation softmax or sigmoid.
    """
    layer = model.outputs[0]._keras_history.operation
    name = getattr(getattr(layer, "activation", None), "__name__", "none")
    if type(layer) is not keras.layers.Dense or not layer.use_bias or name not in ("softmax", "sigmoid"):
        raise ConfigError(
            f"`--calibrate` and `--prior` change the last layer, which must be a Dense layer with a bias and the "
            f"activation softmax or sigmoid (got {layer.name}, {type(layer).__name__})",
            fix="Leave them out, or change `build_model`",
        )
    return layer
