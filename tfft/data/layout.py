"""What the rows of an array hold: one tensor or several, of one shape or as long as their text."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """What the rows of an array hold: one tensor, or several behind one another."""

    shapes: tuple[tuple[int | None, ...], ...]
    """Shape of each tensor, for one example; a first None is the length of a text."""
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
        return Layout(tuple((length, *s[1:]) if s and s[0] is None else s for s in self.shapes), self.dtype)

    def unpack(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """The tensors of some rows, (rows, ...) each."""
        return tuple(self._pieces(rows.reshape(len(rows), -1).astype(self.read_as, copy=False)))

    def lengthened(self, rows: np.ndarray, length: int) -> np.ndarray:
        """Rows for texts of one length as rows for longer ones: zeros behind each."""
        pieces = []
        for piece, shape in zip(self._pieces(rows), self.shapes, strict=True):
            if shape and shape[0] is None and (lacking := length - piece.shape[1]):
                piece = np.pad(piece, [(0, 0), (0, lacking)] + [(0, 0)] * (piece.ndim - 2))
            pieces.append(piece.reshape(len(rows), -1))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    def _pieces(self, flat: np.ndarray) -> list[np.ndarray]:
        shapes = self.at(self._length(flat.shape[1])).shapes
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        pieces = np.split(flat, ends[:-1], axis=1)
        return [piece.reshape(len(flat), *shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _length(self, numbers: int) -> int | None:
        """The length of texts whose rows have that many numbers."""
        a_token = self.at(1).numbers - self.at(0).numbers
        return (numbers - self.at(0).numbers) // a_token if a_token else None
