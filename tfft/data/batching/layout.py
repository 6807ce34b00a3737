"""What the rows of an array hold: one tensor or several, of one shape or as long as their text."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

LONGEST = 2**20
"""Tokens of a text, more than any network reads."""


UNSEEN = -6e4
"""What attention adds to the score of a token that is not to be looked at; a number in half precision too."""


@dataclass(frozen=True)
class Layout:
    """What the rows of an array hold: one tensor, or several behind one another."""

    shapes: tuple[tuple[int | None, ...], ...]
    """Shape of each tensor, for one example; None is the length of a text. What has it twice is what attention adds to
    its scores (T5)."""
    dtype: str

    @property
    def read_as(self) -> str:
        """What the numbers become when they are unpacked: half precision becomes float32."""
        return "float32" if self.dtype == "float16" else self.dtype

    @property
    def numbers(self) -> int:
        """How many numbers a row has, where no length is open."""
        return sum(map(math.prod, self.shapes))

    def at(self, length: int | None) -> Layout:
        """With a length in place of None."""
        shapes = (tuple(length if axis is None else axis for axis in shape) for shape in self.shapes)
        return Layout(tuple(shapes), self.dtype)

    def unpack(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """The tensors of some rows, (rows, ...) each."""
        return tuple(self._pieces(rows.reshape(len(rows), -1).astype(self.read_as, copy=False)))

    def lengthened(self, rows: np.ndarray, length: int) -> np.ndarray:
        """Rows for texts of one length as rows for longer ones: zeros behind each, at which attention does not look."""
        pieces = []
        for piece, shape in zip(self._pieces(rows), self.shapes, strict=True):
            lacking = [
                0 if axis is not None else length - had for axis, had in zip(shape, piece.shape[1:], strict=True)
            ]
            if any(lacking):
                behind = UNSEEN if shape.count(None) > 1 else 0
                piece = np.pad(piece, [(0, 0), *((0, count) for count in lacking)], constant_values=behind)
            pieces.append(piece.reshape(len(rows), -1))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    def _pieces(self, flat: np.ndarray) -> list[np.ndarray]:
        shapes = self.at(self._length(flat.shape[1])).shapes
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        pieces = np.split(flat, ends[:-1], axis=1)
        return [piece.reshape(len(flat), *shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _length(self, numbers: int) -> int | None:
        """The length of texts whose rows have that many numbers."""
        if not any(None in shape for shape in self.shapes):
            return None
        return bisect_left(range(LONGEST), numbers, key=lambda length: self.at(length).numbers)
