"""Boxes and maps, pixels and guesses, small enough to be worked out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tfft.conventions import IGNORED

Boxes = Callable[..., np.ndarray]
Guesses = Callable[..., tuple[np.ndarray, np.ndarray]]
Maps = Callable[[np.ndarray], np.ndarray]
NOTHING = [0, 0, 0, 0, -1]


@pytest.fixture
def boxes_of() -> Boxes:
    """Targets of some pictures, with rows for no box among and behind those of boxes."""

    def make(*pictures: list[list[float]]) -> np.ndarray:
        most = max(map(len, pictures)) + 2
        return np.array([[NOTHING, *rows, *[NOTHING] * (most - 1 - len(rows))] for rows in pictures], np.float32)

    return make


@pytest.fixture
def several() -> list[list[list[float]]]:
    """Boxes of several pictures."""
    return [
        [[3, 5, 23, 31, 0], [30, 2, 62, 21, 1], [5, 36, 61, 60, 2]],
        # of two classes over each other, one within another, and two of one class side by side
        [[2, 2, 50, 50, 0], [10, 28, 62, 62, 1], [40, 4, 52, 12, 0]],
        [[0, 0, 28, 40, 2], [14, 6, 46, 44, 2], [0, 44, 64, 64, 1]],
        [[20.5, 11.25, 47.5, 55.75, 1]],
        [],
    ]


@pytest.fixture
def perfect() -> Maps:
    """Maps that a model would give that knows all: logits of the bumps, and the sides."""

    def make(wanted: np.ndarray) -> np.ndarray:
        count = wanted.shape[-1] - 5
        with np.errstate(divide="ignore"):
            logits = np.log(wanted[..., :count]) - np.log1p(-wanted[..., :count])
        return np.concatenate([np.clip(logits, -200, 15), wanted[..., count:-1]], axis=-1)

    return make


@pytest.fixture
def guesses() -> Guesses:
    """True classes of pixels, three of them, some pixels ignored, and probabilities."""

    def make(seed: int, size: tuple[int, int] = (4, 5), count: int = 2) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        truth = random.integers(0, 3, (count, *size)).astype(np.uint8)
        truth[random.random(truth.shape) < 0.3] = IGNORED
        answers = random.dirichlet([1] * 3, truth.shape).astype(np.float32)
        return truth, answers

    return make
