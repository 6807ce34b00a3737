"""Boxes without anchors: a heat map of centres for each class, and the distances from there to the four sides.

Zhou, Wang and Kraehenbuehl 2019, "Objects as points", arXiv:1904.07850 (CenterNet), with the bumps and the training of
the sides of Liu et al. 2019, "Training-time-friendly network for real-time object detection", arXiv:1909.00700. The
trained model gives maps; `with_boxes` puts decoding and suppression behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfft.errors import ConfigError
from tfft.models.answering import with_boxes
from tfft.models.anysize import any_size
from tfft.models.scales import scales_of
from tfft.models.tasks import Task

COARSEST = 32
"""Stride of the last feature map of the pyramid."""
LEAST_CELLS = 3
"""That the smaller sides of nearly all boxes span."""
FILTERS = 128
"""Of the pyramid and of the head."""
GROUPS = 8
PRIOR = 0.01
"""Chance of a centre that an untrained head answers with, so that the first steps do not only unlearn them."""
SHARPNESS, MISSES = 2.0, 4.0
"""Exponents of the focal loss of centres (alpha and beta of CenterNet)."""
BUMP, CORE = 0.54, 1 / 3
"""Parts of a box that its bump spans in six deviations, and over which its sides are trained."""
SIDES_WEIGHT = 2.0
"""Of the loss of the sides beside that of the centres."""


def box_maps(backbone: keras.Model, labels: Sequence[str], stride: int) -> Any:
    """A small feature pyramid (Lin et al. 2017, arXiv:1612.03144) behind a backbone, and maps at its finest scale.

    Args:
        backbone: Takes (batch, height, width, 3).
        labels: Names of the classes.
        stride: Pixels between two places where a centre may be: 4, 8 or 16.

    Returns:
        (batch, height / stride, width / stride, labels + 4): logits of centres, then distances to the four sides.
    """
    merged = _pyramid(scales_of(backbone, [s for s in (4, 8, 16, COARSEST) if s >= stride]))
    grid = _grid(backbone.inputs[0].shape[1:3], stride)
    if tuple(merged.shape[1:3]) != grid:  # Xception's convolutions leave out the border
        merged = keras.layers.Resizing(*grid, interpolation="bilinear", name="head_grid")(merged)
    bias = keras.initializers.Constant(-math.log((1 - PRIOR) / PRIOR))
    centres = keras.layers.Conv2D(len(labels), 1, bias_initializer=bias, dtype="float32", name="head_centres")(
        _smoothed(merged, "centres")
    )
    # the distance of a side is never below 0, and grows by parts rather than by pixels
    sides = keras.layers.Conv2D(4, 1, dtype="float32", bias_initializer="ones", name="head_sides")(
        _smoothed(merged, "sides")
    )
    sides = keras.layers.Activation("exponential", dtype="float32", name="head_distances")(sides)
    return keras.layers.Concatenate(name="head_maps", dtype="float32")([centres, sides])


def object_boxes(
    labels: Sequence[str],
    image_size: tuple[int, int],
    *,
    stride: int = 8,
    score: Callable[[np.ndarray, Any], dict[str, float]] | None = None,
) -> Task:
    """Boxes around objects, for a model that ends in `box_maps`.

    Args:
        labels: Names of the classes; targets are (batch, most, 5): left, top, right, bottom in pixels and the index of
            the class, -1 for none.
        image_size: Height and width of a picture in pixels.
        stride: Pixels between two places where a centre may be: 4, 8 or 16.
        score: From targets and the answers of `with_boxes` to numbers, of which `map` is monitored. While boxes still
            become better the loss of new pictures may rise, as that of any classifier that grows sure of itself; by
            None it is monitored all the same.

    Raises:
        ConfigError: If there is no label.
    """
    if not labels:
        raise ConfigError("A detector needs at least one label", received="none", fix="Check the annotations")
    count, grid = len(labels), _grid(image_size, stride)
    return Task(
        loss=lambda wanted, given: _loss(wanted, given, count),
        metrics=(),
        monitor="val_loss" if score is None else "val_map",
        mode="min" if score is None else "max",
        outputs=(*grid, count + 4),
        encode=lambda boxes: centre_maps(boxes, count, grid, stride),
        answering=lambda model: with_boxes(model, labels),
        saved=any_size,
        score=score,
    )


def _grid(image_size: Sequence[int], stride: int) -> tuple[int, int]:
    height, width = image_size
    return math.ceil(height / stride), math.ceil(width / stride)


def fitting_stride(boxes: np.ndarray | None) -> int:
    """The coarsest stride at which the smaller sides of nearly all boxes span a few places: 4, 8 or 16.

    A coarser map is cheaper by the square of its stride.

    Args:
        boxes: Of the training split, (pictures, most, 5), as `object_boxes` takes them; None if they are not known.
    """
    if boxes is None or not (there := boxes[boxes[..., 4] >= 0]).size:
        return 8
    small = np.percentile((there[:, 2:4] - there[:, :2]).min(axis=1), 10)
    return next((stride for stride in (16, 8) if small >= LEAST_CELLS * stride), 4)


def _pyramid(features: list[Any]) -> Any:
    """Feature maps, finest first, as one at the finest scale: the coarser one is enlarged and added."""
    merged = None
    for level, feature in reversed(list(enumerate(features))):
        x = keras.layers.Conv2D(FILTERS, 1, use_bias=False, name=f"head_lateral_{level}")(feature)
        x = keras.layers.GroupNormalization(GROUPS, name=f"head_lateral_norm_{level}")(x)
        if merged is not None:
            size = x.shape[1:3]
            up = keras.layers.Resizing(*size, interpolation="nearest", name=f"head_up_{level}")(merged)
            x = keras.layers.Add(name=f"head_add_{level}")([x, up])
        merged = keras.layers.Activation("relu", name=f"head_relu_{level}")(x)
    return _smoothed(merged, "merged")


def _smoothed(x: Any, name: str) -> Any:
    x = keras.layers.SeparableConv2D(FILTERS, 3, padding="same", use_bias=False, name=f"head_conv_{name}")(x)
    x = keras.layers.GroupNormalization(GROUPS, name=f"head_norm_{name}")(x)
    return keras.layers.Activation("relu", name=f"head_relu_{name}")(x)


def centre_maps(boxes: np.ndarray, labels: int, grid: tuple[int, int], stride: int) -> np.ndarray:
    """What the maps of some pictures should be.

    Args:
        boxes: (pictures, most, 5), float32: left, top, right, bottom in pixels, then the index of the class; rows
            whose index is negative are no boxes.
        labels: How many classes there are.
        grid: Height and width of the maps.
        stride: Pixels between two cells of the maps.

    Returns:
        (pictures, height, width, labels + 5), float32: for each class a bump around each centre, 1 at the centre;
        distances from the middle of a cell to the four sides, in strides; and the weight of the sides there, which
        is 1 in all for each box that no smaller one stands in front of.
    """
    made = np.zeros((len(boxes), *grid, labels + 5), np.float32)
    rows, columns = np.arange(grid[0], dtype=np.float32), np.arange(grid[1], dtype=np.float32)
    for picture, some in zip(made, boxes, strict=True):
        some = some[some[:, 4] >= 0]
        area = (some[:, 2] - some[:, 0]) * (some[:, 3] - some[:, 1])
        for left, top, right, bottom, index in some[np.argsort(-area, kind="stable")]:  # the smaller one in front
            left, top, right, bottom = (value / stride for value in (left, top, right, bottom))
            row, column = min(int((top + bottom) / 2), grid[0] - 1), min(int((left + right) / 2), grid[1] - 1)
            down = np.exp(-0.5 * ((rows - row) / max(BUMP * (bottom - top) / 6, 1e-3)) ** 2)
            across = np.exp(-0.5 * ((columns - column) / max(BUMP * (right - left) / 6, 1e-3)) ** 2)
            plane = picture[..., int(index)]
            np.maximum(plane, down[:, None] * across, out=plane)
            high, wide = int(CORE * (bottom - top) / 2), int(CORE * (right - left) / 2)
            core = np.s_[max(0, row - high) : row + high + 1, max(0, column - wide) : column + wide + 1]
            x, y = columns[core[1]] + 0.5, rows[core[0]] + 0.5
            there = picture[core][..., labels:]
            there[..., 0], there[..., 2] = x - left, right - x
            there[..., 1], there[..., 3] = (y - top)[:, None], (bottom - y)[:, None]
            there[..., 4] = 1 / there[..., 4].size
    return made


def _loss(wanted: Any, given: Any, labels: int) -> Any:
    """Focal loss of the centres and generalized overlap (Rezatofighi et al. 2019, arXiv:1902.09630) of the boxes,
    summed for each picture: every box counts alike, whatever else is in the batch.

    The maps that are wanted are those of `centre_maps`; in those that are given, centres are logits.
    """
    bumps, sides, weight = wanted[..., :labels], wanted[..., labels:-1], wanted[..., -1]
    logits, found = given[..., :labels], given[..., labels:]
    chance = ops.sigmoid(logits)
    centre = ops.cast(ops.equal(bumps, 1.0), "float32")
    hits = centre * ops.power(1 - chance, SHARPNESS) * ops.softplus(-logits)
    misses = (1 - centre) * ops.power(1 - bumps, MISSES) * ops.power(chance, SHARPNESS) * ops.softplus(logits)
    overlap = _generalized_overlap(ops.maximum(sides, 0.0), found)
    return ops.sum(hits + misses, axis=(1, 2, 3)) + SIDES_WEIGHT * ops.sum(weight * (1 - overlap), axis=(1, 2))


def _generalized_overlap(sides: Any, found: Any) -> Any:
    """In (-1, 1], of boxes around one place that are given by their distances to the left, top, right and bottom."""
    less, more = ops.minimum(sides, found), ops.maximum(sides, found)
    shared, around = _area(less), _area(more)
    union = _area(sides) + _area(found) - shared
    return shared / (union + 1e-6) - (around - union) / (around + 1e-6)


def _area(sides: Any) -> Any:
    return (sides[..., 0] + sides[..., 2]) * (sides[..., 1] + sides[..., 3])
