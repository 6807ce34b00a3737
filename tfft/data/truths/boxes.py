"""Boxes around the objects of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.conventions import NO_BOX
from tfft.data.augmentation.motion import Motion
from tfft.data.targets import Form, Targets
from tfft.errors import counted

if TYPE_CHECKING:
    from tfft.data.records import Record


LEAST_VISIBLE = 0.3
"""Fraction of a box that must be inside a view; with less, the object is dropped from that view."""


@dataclass(frozen=True)
class Boxes:
    """The objects of a picture, each with its class and box.

    As targets: (pictures, most, 5), float32: left, top, right and bottom in pixels of the model's input, and the index
    of the class; rows with index -1 are padding.
    """

    names: tuple[str, ...]
    """Class of each object."""
    corners: tuple[tuple[float, float, float, float], ...]
    """Left, top, right and bottom of each object, in [0, 1]: fractions of the picture's width and height."""
    wrong: str | None = None
    """Why the boxes cannot be used, or None."""
    empty: int = 0
    """Boxes without an area, which were left out."""
    clipped: int = 0
    """Boxes that were clipped to their picture."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the objects."""
        return self.names

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The boxes in pixels, padded to the largest number of boxes on one picture."""
        truths = [record.truth for record in records]
        labels = form.in_order(name for truth in truths for name in truth.names)
        index_of = {label: index for index, label in enumerate(labels)}
        height, width = form.image_size
        rows = np.zeros((len(truths), max(1, *(len(truth.names) for truth in truths)), 5), np.float32)
        rows[..., 4] = NO_BOX
        for row, truth in zip(rows, truths, strict=True):
            count = len(truth.names)
            row[:count, :4] = np.reshape(truth.corners, (count, 4)) * (width, height, width, height)
            row[:count, 4] = [index_of[name] for name in truth.names]
        bare = sum(not truth.names and truth.wrong is None for truth in truths)
        empty, clipped = sum(truth.empty for truth in truths), sum(truth.clipped for truth in truths)
        return Targets(
            labels,
            of=rows.__getitem__,
            present=[truth.names for truth in truths],
            motion=Motion(moved_boxes, outside="grey", turns=False),
            failed={index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None},
            notes=[
                *([f"{counted(bare, 'picture')} without a box"] if bare else []),
                *([f"{counted(empty, 'box', 'boxes')} without an area left out"] if empty else []),
                *([f"{counted(clipped, 'box', 'boxes')} clipped to the picture"] if clipped else []),
            ],
        )


def moved_boxes(boxes: np.ndarray, matrices: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The boxes of a picture in one of its views.

    Args:
        boxes: (most, 5), float32: left, top, right, bottom, index of the class; -1 for padding.
        matrices: One matrix, (3, 3), for each move of the picture, in order; it maps a point after the move to the
            point before it.
        size: Height and width in pixels.

    Returns:
        The boxes in the view, in the same form: upright boxes around the moved ones, clipped to the frame after each
        move. Boxes that are mostly outside have index -1.
    """
    index = boxes[:, 4]
    whole = visible = boxes[:, :4]
    limits = np.array([size[1], size[0], size[1], size[0]])
    for matrix in matrices:
        whole, visible = _around_moved(whole, matrix), np.clip(_around_moved(visible, matrix), 0, limits)
    kept = (index >= 0) & (_areas(visible) >= LEAST_VISIBLE * np.maximum(_areas(whole), 1e-9))
    moved = np.column_stack([visible, np.where(kept, index, NO_BOX)])
    moved[~kept, :4] = 0
    return moved.astype(np.float32)


def _around_moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Upright boxes, (boxes, 4), around the given boxes after one move."""
    left, top, right, bottom = boxes.T
    corners = np.stack([[left, left, right, right], [top, bottom, top, bottom], np.ones((4, len(boxes)))])
    x, y = np.einsum("ij,jkb->ikb", np.linalg.inv(matrix)[:2], corners)  # (4, boxes) each
    return np.stack([x.min(0), y.min(0), x.max(0), y.max(0)], axis=1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
