"""Boxes around the objects of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.conventions import NO_BOX
from tfft.data.augmentation.motion import Motion
from tfft.data.targets import Form, Targets

if TYPE_CHECKING:
    from tfft.data.records import Record


LEAST_VISIBLE = 0.3
"""Share of a box that must be in a view for it to be an object there."""


@dataclass(frozen=True)
class Boxes:
    """What is on a picture, and where.

    As targets: (pictures, most, 5), float32: left, top, right and bottom in pixels of the model's picture, and the
    index of the class; rows whose index is -1 fill up.
    """

    names: tuple[str, ...]
    """Class of each object."""
    corners: tuple[tuple[float, float, float, float], ...]
    """Left, top, right and bottom of each, in [0, 1]: parts of the picture's width and height."""
    wrong: str | None = None
    """Why they cannot be used, or None."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the objects."""
        return self.names

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The boxes in pixels, filled up to as many as the fullest picture has."""
        truths = [record.truth for record in records]
        labels = form.in_order(name for truth in truths for name in truth.names)
        place = {label: index for index, label in enumerate(labels)}
        height, width = form.image_size
        rows = np.zeros((len(truths), max(1, *(len(truth.names) for truth in truths)), 5), np.float32)
        rows[..., 4] = NO_BOX
        for row, truth in zip(rows, truths, strict=True):
            count = len(truth.names)
            row[:count, :4] = np.reshape(truth.corners, (count, 4)) * (width, height, width, height)
            row[:count, 4] = [place[name] for name in truth.names]
        empty = sum(not truth.names and truth.wrong is None for truth in truths)
        return Targets(
            labels,
            of=rows.__getitem__,
            present=[truth.names for truth in truths],
            motion=Motion(moved_boxes, outside="grey", turns=False),
            failed={index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None},
            notes=[f"{empty} pictures have no box"] if empty else [],
        )


def moved_boxes(boxes: np.ndarray, matrices: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The boxes of a picture in a view of it.

    Args:
        boxes: (most, 5), float32: left, top, right, bottom, index of the class; -1 for none.
        matrices: Of the moves of the picture, one after the other, each from a place after it to the place before it,
            (3, 3).
        size: Height and width in pixels.

    Returns:
        The same for the view: upright boxes around the moved ones, cut at the frame by each move; those of which too
        little is left of the whole have the index -1.
    """
    index = boxes[:, 4]
    whole = seen = boxes[:, :4]
    limits = np.array([size[1], size[0], size[1], size[0]])
    for matrix in matrices:
        whole, seen = _around_moved(whole, matrix), np.clip(_around_moved(seen, matrix), 0, limits)
    kept = (index >= 0) & (_areas(seen) >= LEAST_VISIBLE * np.maximum(_areas(whole), 1e-9))
    moved = np.column_stack([seen, np.where(kept, index, NO_BOX)])
    moved[~kept, :4] = 0
    return moved.astype(np.float32)


def _around_moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Upright boxes, (boxes, 4), around those that one move makes of some."""
    left, top, right, bottom = boxes.T
    corners = np.stack([[left, left, right, right], [top, bottom, top, bottom], np.ones((4, len(boxes)))])
    x, y = np.einsum("ij,jkb->ikb", np.linalg.inv(matrix)[:2], corners)  # (4, boxes) each
    return np.stack([x.min(0), y.min(0), x.max(0), y.max(0)], axis=1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
