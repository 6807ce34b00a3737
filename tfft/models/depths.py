"""Features from several depths: the pooled outputs of the blocks of a backbone, side by side."""

from __future__ import annotations

import math
from itertools import groupby

import keras

from tfft.errors import ConfigError
from tfft.models.graph import nodes_in_order, passed_by_all
from tfft.models.heads import Pooling, pooled
from tfft.models.sizes import Depths
from tfft.models.stages import is_block

JOINED = "head_features"
"""Name of the layer that joins the pooled outputs of several blocks."""


def features(backbone: keras.Model, depths: Depths, pooling: Pooling = "avg") -> keras.KerasTensor:
    """Pools the outputs of the top blocks of a backbone and puts them side by side: (batch, channels of all blocks).

    The lower blocks help where the data are far from those of the pretraining (Evci et al. 2022, "Head2Toe",
    arXiv:2201.03529).

    Args:
        backbone: As for `block_outputs`.
        depths: Number of blocks, counted from the top; 1 is the output of the backbone, `"all"` every block.
        pooling: How each output is pooled.

    Raises:
        ConfigError: If the backbone has fewer blocks.
    """
    ends, mask = block_outputs(backbone), backbone.outputs[1:]
    count = len(ends) if depths == "all" else depths
    if count > len(ends):
        raise ConfigError(
            f"`--features` must be at most {len(ends)}, the number of blocks of {backbone.name} (got {count})",
            fix="Use `all` for every block",
        )
    if count == 1:
        return pooled([ends[-1], *mask] if mask else ends[-1], pooling)
    pools = [
        pooled([end, *mask] if mask else end, pooling, name=f"head_pool_{number}")
        for number, end in enumerate(ends[-count:], start=1)
    ]
    return keras.layers.Concatenate(name=JOINED)(pools)


def joined_widths(model: keras.Model) -> tuple[int, ...]:
    """Returns the channels of each block that `features` has joined in a model, lowest first; () if it has not."""
    joined = [node for node in nodes_in_order(model) if node.operation.name == JOINED]
    return tuple(tensor.shape[-1] for node in joined for tensor in node.inputs)


def block_outputs(backbone: keras.Model) -> list[keras.KerasTensor]:
    """Returns the outputs of the blocks of a backbone, from the input up; the last is the output of the backbone.

    A block of a network for pictures ends at a tensor that everything later is computed from. Where the network widens
    its tensors only to narrow them again, as MobileNetV2 does within a block, or lets them grow (DenseNet), the narrow
    ones are taken. A block of a network for texts is a transformer block.

    Args:
        backbone: A functional model that outputs a feature map, (batch, height, width, channels), or features of texts,
            (batch, length, channels), and a mask of their padding.
    """
    nodes, output = nodes_in_order(backbone), backbone.outputs[0]
    if len(output.shape) == 3:
        ends = [node.outputs[0] for node in nodes if node.layer is not None and is_block(node)]
        return [*ends[:-1], output]
    ends = _ends(backbone)
    if not ends or ends[-1] is not output:
        return [output]
    # runs of equal channels, such as those of a stage
    runs = [list(run) for _, run in groupby(ends, lambda tensor: tensor.shape[-1])]
    widths = [run[0].shape[-1] for run in runs]
    kept = [
        run
        for run, before, here, after in zip(runs, [0, *widths[:-1]], widths, [*widths[1:], math.inf], strict=True)
        if here < after and (len(run) > 1 or here < before or not before)
    ]
    blocks = [tensor for run in kept for tensor in run]
    return blocks if blocks and blocks[-1] is output else [*blocks, output]


def _ends(backbone: keras.Model) -> list[keras.KerasTensor]:
    """The last tensor after each convolution, or group of them, that everything later is computed from."""
    passed, ends, computes = passed_by_all(backbone), [], False
    for node in nodes_in_order(backbone):
        computes |= node.layer is not None and any(len(weight.shape) > 1 for weight in node.layer.weights)
        tensor = node.outputs[0]
        if id(tensor) not in passed or len(tensor.shape) != 4 or isinstance(node.layer, keras.layers.ZeroPadding2D):
            continue
        if computes:
            ends.append(tensor)
        elif ends:  # a normalization, an activation or a pooling belongs to what it follows
            ends[-1] = tensor
        computes = False
    return ends
