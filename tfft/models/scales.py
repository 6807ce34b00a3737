"""Feature maps at several scales, for heads that predict maps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import keras

from tfft.errors import ConfigError
from tfft.models.graph import nodes_in_order, passed_by_all

MERGES = (keras.layers.Add, keras.layers.Concatenate)
"""Layers that end the blocks of a network."""


def scales_of(backbone: keras.Model, strides: Sequence[int]) -> list[keras.KerasTensor]:
    """Returns feature maps of a backbone at several strides, finest first.

    The map of the backbone's own stride is its output. At any other stride it is the narrowest tensor from the end of
    the last block on that everything later is computed from: MobileNetV2 widens its tensors six times just below each
    change of resolution, and the tensors that go to the head are stored.

    Args:
        backbone: A functional model with a fixed input size that outputs a feature map.
        strides: Pixels between two cells of a map, powers of 2, ascending.

    Raises:
        ConfigError: If the backbone has no map at a stride.
    """
    height, output = backbone.inputs[0].shape[1], backbone.outputs[0]
    nodes = [node for node in nodes_in_order(backbone) if not isinstance(node.operation, keras.layers.ZeroPadding2D)]
    passes = passed_by_all(backbone)
    maps: dict[int, list[tuple[keras.KerasTensor, bool]]] = defaultdict(list)
    for node in nodes:
        for tensor in node.outputs:
            if len(tensor.shape) == 4 and (tensor.shape[1] or 0) > 1:
                maps[stride_of(height, tensor)].append((tensor, isinstance(node.operation, MERGES)))
    features = []
    for stride in strides:
        if len(output.shape) == 4 and stride_of(height, output) == stride:
            features.append(output)
            continue
        if stride not in maps:
            raise ConfigError(
                f"{backbone.name} has no feature map at stride {stride}, only at {sorted(maps)} for {height} pixels",
                fix="Choose a larger `--image-size`, or another `--backbone`",
            )
        tensors = maps[stride]
        end = max((position for position, (_, merges) in enumerate(tensors) if merges), default=len(tensors) - 1)
        later = [tensor for tensor, _ in tensors[end:]]
        whole = [tensor for tensor in later if id(tensor) in passes] or later  # NASNet's cells pass on two tensors
        features.append(min(reversed(whole), key=lambda tensor: math.prod(tensor.shape[1:])))
    return features


def stride_of(height: int, tensor: keras.KerasTensor) -> int:
    """Pixels between two cells of a map, rounded to a power of 2: valid convolutions change sizes a little."""
    return 2 ** round(math.log2(height / tensor.shape[1]))
