"""Turns the maps of a detector into boxes: decoding and non-maximum suppression with Keras operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfft.conventions import NO_BOX
from tfft.models.scales import stride_of

MOST_ANSWERS = 100
"""The most boxes predicted for one picture."""
MOST_OVERLAP = 0.6
"""Intersection over union of two boxes of one class; if they overlap more, the one with the lower score is dropped."""


def with_boxes(model: keras.Model, labels: Sequence[str]) -> keras.Model:
    """Returns a model that predicts boxes, from one that outputs the maps of `box_maps`. They share their layers.

    A centre is a local maximum of its map. Of two boxes of one class that overlap by more than 0.6, the one with the
    higher score is kept (fast suppression: Bolya et al. 2019, arXiv:1904.02689).

    Returns:
        A model that outputs a dictionary: `boxes`, (batch, 100, 4), float32 (fewer for tiny pictures): left, top, right
        and bottom in pixels; `scores`, (batch, 100), float32 in [0, 1], descending; `labels`, (batch, 100), int32:
        index of the class, or -1 for a row without a box.
    """
    maps, (height, width) = model.outputs[0], model.inputs[0].shape[1:3]
    count, (rows, columns) = len(labels), maps.shape[1:3]
    heat = ops.sigmoid(maps[..., :count])
    peaks = ops.where(ops.equal(heat, ops.max_pool(heat, 3, 1, "same")), heat, 0.0)
    most = min(MOST_ANSWERS, rows * columns * count)
    scores, positions = ops.top_k(ops.reshape(peaks, (-1, rows * columns * count)), most)
    index, cell = ops.mod(positions, count), ops.floor_divide(positions, count)
    sides = ops.reshape(maps[..., count:], (-1, rows * columns, 4))
    sides = ops.take_along_axis(sides, ops.expand_dims(cell, -1), axis=1)
    x = ops.cast(ops.mod(cell, columns), "float32") + 0.5
    y = ops.cast(ops.floor_divide(cell, columns), "float32") + 0.5
    stride = stride_of(height, maps)
    edges = [x - sides[..., 0], y - sides[..., 1], x + sides[..., 2], y + sides[..., 3]]
    limits = [width, height, width, height]
    boxes = ops.stack([ops.clip(stride * x, 0.0, float(limit)) for x, limit in zip(edges, limits, strict=True)], -1)
    scores = ops.where(_suppressed(boxes, index), 0.0, scores)
    scores, order = ops.top_k(scores, most)
    return keras.Model(
        model.inputs[0],
        {
            "boxes": ops.take_along_axis(boxes, ops.expand_dims(order, -1), axis=1),
            "scores": scores,
            "labels": ops.where(scores > 0, ops.take_along_axis(index, order, axis=1), NO_BOX),
        },
        name=model.name,
    )


def _suppressed(boxes: Any, index: Any) -> Any:
    """Whether an earlier box of the same class, which has a higher score, overlaps a box too much."""
    earlier, later = ops.expand_dims(boxes, 2), ops.expand_dims(boxes, 1)
    low, high = ops.maximum(earlier[..., :2], later[..., :2]), ops.minimum(earlier[..., 2:], later[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
    area = ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    # a difference: Keras 3.15 reads (1, n, 1) + (1, 1, n) as a bias that is added to n channels
    overlap = shared / (ops.expand_dims(area, 2) - (shared - ops.expand_dims(area, 1)) + 1e-6)
    same = ops.equal(ops.expand_dims(index, 2), ops.expand_dims(index, 1))
    before = np.triu(np.ones((boxes.shape[1], boxes.shape[1]), bool), 1)  # rows come before columns
    return ops.any(ops.logical_and(ops.logical_and(same, before), overlap > MOST_OVERLAP), axis=1)
