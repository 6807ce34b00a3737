"""Rows that are looked up by position."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Indexable(Protocol):
    """Rows that are looked up by position: an array, rows of the store, or what computes them."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """The rows at some positions, (positions, ...)."""
