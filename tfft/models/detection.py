"""Object detection without anchors: a heat map of centres for each class, and distances to the four sides of the box.

Zhou, Wang and Kraehenbuehl 2019, "Objects as points", arXiv:1904.07850 (CenterNet), with the Gaussians and the training
of the sides of Liu et al. 2019, "Training-time-friendly network for real-time object detection", arXiv:1909.00700. The
trained model outputs maps; `with_boxes` adds decoding and suppression.
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
"""Cells that the smaller side of nearly every box spans."""
FILTERS = 128
"""Filters of the pyramid and the head."""
GROUPS = 8
PRIOR = 0.01
"""Probability of a centre that an untrained head predicts; a higher one would only have to be unlearned first."""
SHARPNESS, MISSES = 2.0, 4.0
"""Exponents of the focal loss of centres (alpha and beta of CenterNet)."""
BUMP, CORE = 0.54, 1 / 3
"""Fractions of a box: six standard deviations of its Gaussian, and the core in which its sides are trained."""
SIDES_WEIGHT = 2.0
"""Weight of the loss of the sides, relative to that of the centres."""


def box_maps(backbone: keras.Model, labels: Sequence[str], stride: int) -> Any:
    """Adds a small feature pyramid (Lin et al. 2017, arXiv:1612.03144) to a backbone, and maps at its finest scale.

    Args:
        backbone: Takes (batch, height, width, 3).
        labels: Names of the classes.
        stride: Pixels between two cells of the maps: 4, 8 or 16.

    Returns:
        (batch, height / stride, width / stride, labels + 4): logits of centres, then distances to the four sides.
    """
    merged = _pyramid(scales_of(backbone, [s for s in (4, 8, 16, COARSEST) if s >= stride]))
    grid = _grid(backbone.inputs[0].shape[1:3], stride)
    if tuple(merged.shape[1:3]) != grid:  # Xception's convolutions have no padding
        merged = keras.layers.Resizing(*grid, interpolation="bilinear", name="head_grid")(merged)
    bias = keras.initializers.Constant(-math.log((1 - PRIOR) / PRIOR))
    centres = keras.layers.Conv2D(len(labels), 1, bias_initializer=bias, dtype="float32", name="head_centres")(
        _smoothed(merged, "centres")
    )
    # a distance is positive, and its error counts relative to its length
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
    """Object detection: the task of a model that ends in `box_maps`.

    Args:
        labels: Names of the classes; targets are (batch, most, 5): left, top, right, bottom in pixels and the index of
            the class, or -1 for a row without a box.
        image_size: Height and width of a picture in pixels.
        stride: Pixels between two cells of the maps: 4, 8 or 16.
        score: From targets and the predictions of `with_boxes` to numbers; `map` among them is monitored. With None the
            validation loss is monitored, although it may rise while the boxes still improve, as with any classifier
            that becomes overconfident.

    Raises:
        ConfigError: If `labels` is empty.
    """
    if not labels:
        raise ConfigError("A detector needs at least one label (got none)", fix="Check the annotations")
    count, grid = len(labels), _grid(image_size, stride)
    return Task(
        loss=lambda targets, maps: _loss(targets, maps, count),
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
    """Returns the coarsest stride at which the smaller side of nearly every box spans a few cells: 4, 8 or 16.

    The cost of a map falls with the square of its stride.

    Args:
        boxes: Boxes of the training split, (pictures, most, 5), as `object_boxes` takes them; None if unknown.
    """
    if boxes is None or not (real := boxes[boxes[..., 4] >= 0]).size:
        return 8
    small = np.percentile((real[:, 2:4] - real[:, :2]).min(axis=1), 10)
    return next((stride for stride in (16, 8) if small >= LEAST_CELLS * stride), 4)


def _pyramid(features: list[Any]) -> Any:
    """Merges feature maps, finest first, into one at the finest scale: each coarser map is enlarged and added."""
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
    """Returns the maps that the model should output for a batch of pictures.

    Args:
        boxes: (pictures, most, 5), float32: left, top, right, bottom in pixels, then the index of the class; rows
            with a negative index are no boxes.
        labels: Number of classes.
        grid: Height and width of the maps.
        stride: Pixels between two cells of the maps.

    Returns:
        (pictures, height, width, labels + 5), float32: for each class a Gaussian around each centre, 1 at the centre;
        distances from the middle of a cell to the four sides, in strides; and the weight of the sides in that cell,
        which adds up to 1 for each box that is not covered by a smaller one.
    """
    maps = np.zeros((len(boxes), *grid, labels + 5), np.float32)
    rows, columns = np.arange(grid[0], dtype=np.float32), np.arange(grid[1], dtype=np.float32)
    for picture, padded in zip(maps, boxes, strict=True):
        real = padded[padded[:, 4] >= 0]
        area = (real[:, 2] - real[:, 0]) * (real[:, 3] - real[:, 1])
        for left, top, right, bottom, index in real[np.argsort(-area, kind="stable")]:  # small boxes in front
            left, top, right, bottom = (value / stride for value in (left, top, right, bottom))
            row, column = min(int((top + bottom) / 2), grid[0] - 1), min(int((left + right) / 2), grid[1] - 1)
            down = np.exp(-0.5 * ((rows - row) / max(BUMP * (bottom - top) / 6, 1e-3)) ** 2)
            across = np.exp(-0.5 * ((columns - column) / max(BUMP * (right - left) / 6, 1e-3)) ** 2)
            plane = picture[..., int(index)]
            np.maximum(plane, down[:, None] * across, out=plane)
            high, wide = int(CORE * (bottom - top) / 2), int(CORE * (right - left) / 2)
            core = np.s_[max(0, row - high) : row + high + 1, max(0, column - wide) : column + wide + 1]
            x, y = columns[core[1]] + 0.5, rows[core[0]] + 0.5
            cells = picture[core][..., labels:]
            cells[..., 0], cells[..., 2] = x - left, right - x
            cells[..., 1], cells[..., 3] = (y - top)[:, None], (bottom - y)[:, None]
            cells[..., 4] = 1 / cells[..., 4].size
    return maps


def _loss(targets: Any, maps: Any, labels: int) -> Any:
    """Focal loss of the centres and generalized overlap (Rezatofighi et al. 2019, arXiv:1902.09630) of the boxes,
    summed for each picture: every box has the same weight, whatever else is in the batch.

    Targets are those of `centre_maps`, maps the outputs of `box_maps`, in which centres are logits.
    """
    heat, sides, weight = targets[..., :labels], targets[..., labels:-1], targets[..., -1]
    logits, distances = maps[..., :labels], maps[..., labels:]
    probability = ops.sigmoid(logits)
    centre = ops.cast(ops.equal(heat, 1.0), "float32")
    hits = centre * ops.power(1 - probability, SHARPNESS) * ops.softplus(-logits)
    misses = (1 - centre) * ops.power(1 - heat, MISSES) * ops.power(probability, SHARPNESS) * ops.softplus(logits)
    overlap = _generalized_overlap(ops.maximum(sides, 0.0), distances)
    return ops.sum(hits + misses, axis=(1, 2, 3)) + SIDES_WEIGHT * ops.sum(weight * (1 - overlap), axis=(1, 2))


def _generalized_overlap(sides: Any, distances: Any) -> Any:
    """Generalized IoU, in (-1, 1], of two boxes around one cell: its distances to the left, top, right and bottom."""
    less, more = ops.minimum(sides, distances), ops.maximum(sides, distances)
    shared, around = _area(less), _area(more)
    union = _area(sides) + _area(distances) - shared
    return shared / (union + 1e-6) - (around - union) / (around + 1e-6)


def _area(sides: Any) -> Any:
    return (sides[..., 0] + sides[..., 2]) * (sides[..., 1] + sides[..., 3])
