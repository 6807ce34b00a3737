"""Views of a picture: augmentation as a pure function of (seed, view, example)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfft.data.augmentation.changes import Augmentation, augmented, changes
from tfft.data.augmentation.moves import Flip, Warp
from tfft.data.indexing import Indexable
from tfft.store.code import source_digest

CODE = ("changes.py", "moves.py", "views.py")
"""Files that decide the pixels of a view."""


def pixels_digest() -> str:
    """Hash of the code that makes views; views of other code are not reused."""
    return source_digest(*(Path(__file__).with_name(name) for name in CODE))


@dataclass(frozen=True, eq=False)
class View:
    """One view of all pictures in a split, or of their targets, indexable by an array of positions."""

    rows: Indexable
    keys: Sequence[str]
    number: int
    seed: int
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray]

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        rows = self.rows[positions]

        def change(place: int) -> None:
            rng = np.random.default_rng((self.seed, self.number, int(self.keys[positions[place]], 16)))
            rows[place] = self.change(rows[place], rng)

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow releases the GIL
            list(pool.map(change, range(len(rows))))
        return rows


def view(inputs: Indexable, keys: Sequence[str], number: int, *, augmentation: Augmentation, seed: int) -> Indexable:
    """The pictures of a split in one view; view 0 is the original pictures.

    Args:
        inputs: Pictures, (examples, height, width, 3), uint8.
        keys: Content digest of each example, in hexadecimal digits.
        number: Number of the view, 0 or more.
        augmentation: How views are made.
        seed: Determines the changes, together with the number of the view and the key of the example.

    Returns:
        Indexable by an array of positions: (positions, height, width, 3), uint8.
    """
    if number == 0 or not augmentation.active:
        return inputs
    return View(inputs, keys, number, seed, lambda pixels, rng: augmented(pixels, augmentation, rng))


def view_of_targets(
    targets: Indexable,
    keys: Sequence[str],
    number: int,
    *,
    augmentation: Augmentation,
    seed: int,
    image_size: tuple[int, int],
) -> Indexable:
    """The targets of the pictures in `view`, with the same moves.

    Args:
        targets: (examples, ...).
        keys: As in `view`.
        number: As in `view`.
        augmentation: As in `view`.
        seed: As in `view`.
        image_size: Height and width in pixels.
    """
    motion = augmentation.motion
    if number == 0 or augmentation.level == "none" or motion is None:
        return targets

    def follow(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        moves = [change for change in changes(augmentation, rng) if isinstance(change, (Flip, Warp))]
        return motion.follow(target, [move.matrix(*image_size) for move in moves], image_size)

    return View(targets, keys, number, seed, follow)
