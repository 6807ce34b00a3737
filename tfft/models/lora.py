"""Low-rank adapters: two thin trained matrices, whose product is added to a frozen kernel.

Hu et al. 2021, "LoRA: Low-rank adaptation of large language models", arXiv:2106.09685. The adapters are Keras's own
(`enable_lora`); saving a model merges them into the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from tfft.errors import ConfigError

PROJECTIONS = {
    *("query", "query_dense", "query_projector", "q_proj"),
    *("value", "value_dense", "value_projector", "v_proj"),
    "query_key_value",
}
"""Layers of attention that get adapters, as in the paper, by their names in KerasHub."""


def add_adapters(layers: Sequence[keras.Layer], rank: int) -> None:
    """Adds adapters, which change nothing yet, to the queries and values of attention, or without attention to every
    layer that takes one. Layers that have adapters keep theirs.

    Args:
        layers: Layers, with the layers inside them.
        rank: Rank of the matrices.

    Raises:
        ConfigError: If no layer takes an adapter, or a layer has an adapter of another rank.
    """
    able = [layer for layer in _inner(layers) if hasattr(layer, "enable_lora")]
    chosen = [layer for layer in able if layer.name in PROJECTIONS] or able
    if not chosen:
        raise ConfigError(
            f"`lora_rank={rank}` needs Dense, EinsumDense, Embedding or Conv layers in the unfrozen stages (got none)",
            fix="Unfreeze more stages, or leave `lora_rank` at 0",
        )
    for layer in chosen:
        if not layer.lora_enabled:
            layer.enable_lora(rank)
        elif layer.lora_rank != rank:
            raise ConfigError(
                f"`lora_rank` must be {layer.lora_rank}, the rank of the model's existing adapters (got {rank})",
                fix="Pass the same rank, or build the model again",
            )


def train_adapters_alone(layers: Sequence[keras.Layer]) -> None:
    """Freezes all weights of trainable layers except the adapters."""
    adapters = {id(weight) for layer in _inner(layers) for weight in _adapters(layer)}
    for layer in layers:
        for weight in layer.weights:
            weight.trainable = id(weight) in adapters


def idle_adapters(model: keras.Model) -> set[int]:
    """Returns the weights, by `id`, of adapters that add nothing to their kernels, as before training."""
    adapters = (_adapters(layer) for layer in model._flatten_layers())
    return {id(weight) for pair in adapters if pair and not np.any(pair[-1]) for weight in pair}


def _inner(layers: Sequence[keras.Layer]) -> Iterator[keras.Layer]:
    return (inner for layer in layers for inner in layer._flatten_layers())


def _adapters(layer: keras.Layer) -> list[keras.Variable]:
    if not getattr(layer, "lora_enabled", False):
        return []
    names = sorted(name for name in vars(layer) if name.startswith("lora_") and name.endswith(("_a", "_b")))
    return [getattr(layer, name) for name in names]  # the second is initialized to zero
