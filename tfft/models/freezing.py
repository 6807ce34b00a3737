"""Freezes and unfreezes layers; a frozen BatchNormalization never moves its statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras

from tfft.errors import ConfigError
from tfft.models import lora
from tfft.models.stages import backbone_stages

Unfreeze = int | Literal["all"]

TRAINED_MOMENTUM = 0.9
"""Momentum of the statistics of a trained BatchNormalization, as in PyTorch. With the 0.99 to 0.999 of
keras.applications, they need up to tens of thousands of steps to forget their initial values."""


@contextmanager
def unfrozen(
    model: keras.Model, stages: Unfreeze, *, batch_norm: Literal["frozen", "train"], lora_rank: int = 0
) -> Iterator[list[list[keras.Layer]]]:
    """Makes the top stages of a frozen backbone trainable, and freezes them again at the end.

    Keras runs a BatchNormalization layer with `trainable=False` in inference mode, whatever the mode of the model
    around it. The idiom of the Keras guide, `base(x, training=False)`, has the same effect only from Keras 3.16 on:
    up to 3.15, `fit` overrides arguments that were fixed when the model was built (keras#23364).

    Args:
        model: A functional model whose backbone is frozen; its trainable layers (the head) stay trainable.
        stages: Number of stages from the top, or `"all"`.
        batch_norm: Whether BatchNormalization layers of these stages stay frozen, or are trained and move their
            statistics (with a momentum of 0.9 meanwhile).
        lora_rank: If above 0, these stages get low-rank adapters (see `tfft.models.lora`), which are trained instead of
            their weights.

    Yields:
        The layers of each of these stages, the lowest stage first.

    Raises:
        ConfigError: If the model has fewer stages, or none of their layers takes adapters.
    """
    all_stages = backbone_stages(model)
    if stages == "all":
        stages = len(all_stages)
    if stages > len(all_stages):
        raise ConfigError(
            f"`unfreeze` must be at most {len(all_stages)}, the number of stages of this backbone (got {stages})",
            fix="Use `all` for the whole backbone",
        )
    top = all_stages[len(all_stages) - stages :]
    chosen = [layer for stage in top for layer in stage]
    normalizations = [layer for layer in chosen if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalizations]
    if lora_rank:
        lora.add_adapters(chosen, lora_rank)
    try:
        for layer in chosen:
            layer.trainable = batch_norm == "train" or layer not in normalizations
        if lora_rank:
            lora.train_adapters_alone(chosen)
        if batch_norm == "train":
            for layer in normalizations:
                layer.momentum = TRAINED_MOMENTUM
        yield top
    finally:
        for layer in chosen:
            layer.trainable = False
        for layer, momentum in zip(normalizations, momenta, strict=True):
            layer.momentum = momentum


def parameters(model: keras.Model) -> tuple[int, int]:
    """Returns the number of trained and of frozen parameters: `(trained, frozen)`."""
    trained = sum(_size(weight) for weight in model.trainable_weights)
    return trained, sum(_size(weight) for weight in model.weights) - trained


def _size(weight: keras.Variable) -> int:
    size = 1
    for length in weight.shape:
        size *= length
    return size
