"""The layout of an array's rows: one or several tensors, of a fixed shape or as long as their text."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

LONGEST = 2**20
"""Number of tokens, more than any network reads."""


UNSEEN = -6e4
"""Attention bias of masked tokens; finite in half precision too."""


@dataclass(frozen=True)
class Layout:
    """The tensors in each row of an array, flattened and concatenated."""

    shapes: tuple[tuple[int | None, ...], ...]
    """Shape of each tensor, for one example; None is the length of a text. A tensor with None twice is an attention
    bias (T5)."""
    dtype: str

    @property
    def read_as(self) -> str:
        """Data type after unpacking: float32 for half precision, else unchanged."""
        return "float32" if self.dtype == "float16" else self.dtype

    @property
    def numbers(self) -> int:
        """Count of numbers in a row, if no length is None."""
        return sum(map(math.prod, self.shapes))

    def at(self, length: int | None) -> Layout:
        """The layout with a length in place of None."""
        shapes = (tuple(length if axis is None else axis for axis in shape) for shape in self.shapes)
        return Layout(tuple(shapes), self.dtype)

    def unpack(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """The tensors in the given rows, (rows, ...) each."""
        return tuple(self._pieces(rows.reshape(len(rows), -1).astype(self.read_as, copy=False)))

    def lengthened(self, rows: np.ndarray, length: int) -> np.ndarray:
        """Rows of texts padded to a greater length: with zeros, which attention ignores."""
        pieces = []
        for piece, shape in zip(self._pieces(rows), self.shapes, strict=True):
            missing = [
                0 if axis is not None else length - size for axis, size in zip(shape, piece.shape[1:], strict=True)
            ]
            if any(missing):
                behind = UNSEEN if shape.count(None) > 1 else 0
                piece = np.pad(piece, [(0, 0), *((0, count) for count in missing)], constant_values=behind)
            pieces.append(piece.reshape(len(rows), -1))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    def _pieces(self, flat: np.ndarray) -> list[np.ndarray]:
        shapes = self.at(self._length(flat.shape[1])).shapes
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        pieces = np.split(flat, ends[:-1], axis=1)
        return [piece.reshape(len(flat), *shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _length(self, numbers: int) -> int | None:
        """The length of texts whose rows have this many numbers."""
        if not any(None in shape for shape in self.shapes):
            return None
        return bisect_left(range(LONGEST), numbers, key=lambda length: self.at(length).numbers)
