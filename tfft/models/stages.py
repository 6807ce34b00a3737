"""Stages of a backbone: runs of layers that share an output resolution, or the blocks of a transformer."""

from __future__ import annotations

import math

import keras

from tfft.models.graph import Node, nodes_in_order


def backbone_stages(model: keras.Model) -> list[list[keras.Layer]]:
    """Returns the stages of a model's frozen layers, from the input up.

    A stage holds the frozen layers that have weights and whose outputs share one height and width; a resolution whose
    layers have no weights (a bare pooling) is not a stage. The 1 x 1 tensors between a global pooling and its product
    (squeeze and excitation) belong to the stage around them. In a network for sequences, every block (a layer that
    contains layers) starts a stage; the lowest stage holds the embeddings below the first block.

    Args:
        model: A functional model whose backbone is frozen; a model for pictures has a fixed input size.

    Returns:
        One list of layers per stage; empty if no layer is frozen.
    """
    stages: dict[tuple[tuple[int, ...] | None, int], list[keras.Layer]] = {}
    resolution_of: dict[int, tuple[int, ...] | None] = {}
    squeezed: set[int] = set()
    seen: set[int] = set()
    blocks = 0
    for node in nodes_in_order(model):
        spatial = [t for t in node.inputs if id(t) not in squeezed]
        is_squeeze = _pools_globally(node.operation) or (bool(node.inputs) and not spatial)
        around = next((resolution_of[id(t)] for t in reversed(node.inputs) if id(t) in resolution_of), None)
        for tensor in node.outputs:
            shape = tuple(tensor.shape[1:-1])
            if is_squeeze:
                squeezed.add(id(tensor))
            resolution_of[id(tensor)] = around if is_squeeze or len(shape) < 2 else shape
        layer = node.layer
        if layer is not None and layer.weights and not layer.trainable and id(layer) not in seen:
            seen.add(id(layer))
            blocks += is_block(node)
            stages.setdefault((resolution_of[id(node.outputs[0])], blocks), []).append(layer)
    return [layers for layers in stages.values() if _parameters(layers)]


def is_block(node: Node) -> bool:
    """Whether a layer that outputs sequences, (batch, length, channels), contains several Dense layers."""
    inner = node.layer._flatten_layers(include_self=False)
    dense = [layer for layer in inner if isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense))]
    return len(node.outputs[0].shape) == 3 and len(dense) > 1


def _pools_globally(operation: keras.Operation) -> bool:
    return isinstance(operation, (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D))


def _parameters(layers: list[keras.Layer]) -> int:
    """Number of weights that training could change: a Normalization layer holds constants and is not a stage."""
    return sum(
        math.prod(weight.shape)
        for layer in layers
        if not isinstance(layer, keras.layers.Normalization)
        for weight in layer.weights
    )
