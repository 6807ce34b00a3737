"""Low-rank adapters: two thin matrices beside a kernel, whose product is added to it, trained while it stays as it is.

Hu et al. 2021, "LoRA: Low-rank adaptation of large language models", arXiv:2106.09685. The adapters are Keras's own
(`enable_lora`); saving a model merges them into the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from tfft.errors import ConfigError

PROJECTIONS = {"query", "value", "query_dense", "value_dense", "query_projector", "value_projector"}
"""Where attention has its adapters, as in the paper; by the names that KerasHub gives these layers."""


def add_adapters(layers: Sequence[keras.Layer], rank: int) -> None:
    """Adds adapters that change nothing yet, to the queries and values of attention; where there is none, to every
    kernel that takes one. Layers that have adapters keep theirs.

    Args:
        layers: With what is inside them.
        rank: Of the matrices.

    Raises:
        ConfigError: If no layer takes an adapter, or one has an adapter of another rank.
    """
    able = [layer for layer in _inner(layers) if hasattr(layer, "enable_lora")]
    chosen = [layer for layer in able if layer.name in PROJECTIONS] or able
    if not chosen:
        raise ConfigError(
            "Adapters are for layers with a kernel: Dense, EinsumDense, Embedding or Conv",
            received=f"lora_rank={rank}, with none in the unfrozen stages",
            fix="Unfreeze more stages, or leave `lora_rank` at 0",
        )
    for layer in chosen:
        if not layer.lora_enabled:
            layer.enable_lora(rank)
        elif layer.lora_rank != rank:
            raise ConfigError(
                "One model has adapters of one rank",
                received=f"{layer.lora_rank} and {rank}",
                fix="Build the model again, or take the same rank",
            )


def train_adapters_alone(layers: Sequence[keras.Layer]) -> None:
    """Of layers that are trainable, leaves the adapters so and freezes the other weights."""
    adapters = {id(weight) for layer in _inner(layers) for weight in _adapters(layer)}
    for layer in layers:
        for weight in layer.weights:
            weight.trainable = id(weight) in adapters


def idle_adapters(model: keras.Model) -> set[int]:
    """The weights, by `id`, of adapters that add nothing to their kernels, as before they are trained."""
    adapters = (_adapters(layer) for layer in model._flatten_layers())
    return {id(weight) for pair in adapters if pair and not np.any(pair[-1]) for weight in pair}


def _inner(layers: Sequence[keras.Layer]) -> Iterator[keras.Layer]:
    return (inner for layer in layers for inner in layer._flatten_layers())


def _adapters(layer: keras.Layer) -> list[keras.Variable]:
    if not getattr(layer, "lora_enabled", False):
        return []
    names = sorted(name for name in vars(layer) if name.startswith("lora_") and name.endswith(("_a", "_b")))
    return [getattr(layer, name) for name in names]  # the second starts at zero
