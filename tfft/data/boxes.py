"""Boxes around the objects of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.conventions import NO_BOX
from tfft.data.examples import Motion
from tfft.data.truths import Targets

if TYPE_CHECKING:
    from tfft.data.records import Record
    from tfft.store import Storage

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
    def targets(cls, records: Sequence[Record], image_size: tuple[int, int], storage: Storage) -> Targets:
        """The boxes in pixels, filled up to as many as the fullest picture has."""
        truths = [record.truth for record in records]
        labels = sorted({name for truth in truths for name in truth.names})
        place = {label: index for index, label in enumerate(labels)}
        height, width = image_size
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


def moved_boxes(boxes: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The boxes of a picture in a view of it.

    Args:
        boxes: (most, 5), float32: left, top, right, bottom, index of the class; -1 for none.
        matrix: From a place in the view to the place of the picture that it shows, (3, 3).
        size: Height and width in pixels.

    Returns:
        The same for the view: upright boxes around the moved ones, cut at the frame; those of which too little is
        left have the index -1.
    """
    left, top, right, bottom, index = boxes.T
    corners = np.stack([[left, top], [right, top], [left, bottom], [right, bottom]])  # (4, 2, most)
    there = np.linalg.inv(matrix)[:2] @ np.stack([*corners.transpose(1, 0, 2), np.ones_like(corners[:, 0])]).reshape(
        3, -1
    )
    x, y = there.reshape(2, 4, -1)
    limits = np.array([[size[1]], [size[0]]])
    whole = np.stack([[x.min(0), y.min(0)], [x.max(0), y.max(0)]])  # (2, 2, most)
    seen = np.clip(whole, 0, limits)
    share = np.prod(seen[1] - seen[0], 0) / np.maximum(np.prod(whole[1] - whole[0], 0), 1e-9)
    kept = (index >= 0) & (share >= LEAST_VISIBLE)
    moved = np.concatenate([seen[0], seen[1], np.where(kept, index, NO_BOX)[None]]).T
    moved[~kept, :4] = 0
    return moved.astype(np.float32)
