"""Feature maps of several scales, for heads that answer at places of a picture."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import keras

from tfft.errors import ConfigError
from tfft.models.graph import nodes_in_order

MERGES = (keras.layers.Add, keras.layers.Concatenate)
"""Where the blocks of a network end."""


def scales_of(backbone: keras.Model, strides: Sequence[int]) -> list[keras.KerasTensor]:
    """The feature maps of a backbone at some strides, finest first.

    For the coarsest stride it is the output of the backbone, if that has this stride. For the others it is, from the
    end of the last block at this scale on, the narrowest tensor that all that comes later is computed from:
    MobileNetV2 widens its tensors six times just below each change of resolution, and what crosses to the head is
    stored.

    Args:
        backbone: A functional model with a fixed input size that gives a feature map.
        strides: Pixels between two places of a map, powers of 2, rising.

    Raises:
        ConfigError: If the backbone has no map at a stride.
    """
    height, output = backbone.inputs[0].shape[1], backbone.outputs[0]
    nodes = [node for node in nodes_in_order(backbone) if not isinstance(node.operation, keras.layers.ZeroPadding2D)]
    passes = _passes(backbone)
    maps: dict[int, list[tuple[keras.KerasTensor, bool]]] = defaultdict(list)
    for node in nodes:
        for tensor in node.outputs:
            if len(tensor.shape) == 4 and (tensor.shape[1] or 0) > 1:
                maps[stride_of(height, tensor)].append((tensor, isinstance(node.operation, MERGES)))
    found = []
    for stride in strides:
        if len(output.shape) == 4 and stride_of(height, output) == stride:
            found.append(output)
            continue
        if stride not in maps:
            raise ConfigError(
                f"The backbone has feature maps at a stride of {stride}",
                received=f"{backbone.name} with strides {sorted(maps)} at {height} pixels",
                fix="Choose a larger `--image-size`, or another `--backbone`",
            )
        here = maps[stride]
        end = max((place for place, (_, merges) in enumerate(here) if merges), default=len(here) - 1)
        later = [tensor for tensor, _ in here[end:]]
        whole = [tensor for tensor in later if id(tensor) in passes] or later  # NASNet hands two tensors on
        found.append(min(reversed(whole), key=lambda tensor: math.prod(tensor.shape[1:])))
    return found


def _passes(backbone: keras.Model) -> set[int]:
    """The tensors through which everything passes, by `id`."""
    nodes = nodes_in_order(backbone)
    last_use = {id(tensor): place for place, node in enumerate(nodes) for tensor in node.inputs}
    last_use[id(backbone.outputs[0])] = len(nodes)
    waiting, found = {id(tensor) for tensor in backbone.inputs}, set()
    for place, node in enumerate(nodes):
        waiting = {key for key in waiting | {id(t) for t in node.outputs} if last_use.get(key, -1) > place}
        if len(waiting) == 1:
            found |= waiting
    return found


def stride_of(height: int, tensor: keras.KerasTensor) -> int:
    """Pixels between two places of a map, the nearest power of 2: valid convolutions change a size a little."""
    return 2 ** round(math.log2(height / tensor.shape[1]))
