"""Near-duplicates among pictures, such as a picture and the same saved again.

Candidates have perceptual hashes (pHash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions", from the package imagehash) that differ in at most 3 of 64 bits; then their thumbnails are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from tfft.data.indexing import Indexable
from tfft.data.splitting.connecting import connected

SIDE = 32
"""Height and width of a thumbnail."""
MOST_DIFFERENCE = 3.0
"""Mean absolute difference of near-duplicates, in grey values of 255."""
MOST_SHARE = 0.1
"""The same as a share of the median difference between two pictures of the data: a camera that does not move makes
pictures that differ little, and are no duplicates."""
BANDS = 4
"""Parts of a hash: two that differ in fewer bits than there are parts have an equal part."""
BLOCK = 4096
"""Thumbnails, or pairs of them, that are read at once."""
CROWD, NEXT = 300, 20
"""Of more than `CROWD` hashes with an equal part, each is compared with the `NEXT` ones after it only."""


def near_duplicates(thumbnails: np.ndarray | Indexable) -> list[list[int]]:
    """Groups of two or more pictures that are nearly the same, by index.

    Args:
        thumbnails: Grey pictures, (pictures, 32, 32), uint8, which need not be in memory.
    """
    count = len(thumbnails)
    if count < 2:
        return []
    blocks = (thumbnails[np.arange(start, min(start + BLOCK, count))] for start in range(0, count, BLOCK))
    hashes = np.array([_hash(thumbnail) for block in blocks for thumbnail in block], np.uint64)
    limit = min(MOST_DIFFERENCE, MOST_SHARE * _usual_difference(thumbnails))
    alike: list[tuple[int, int]] = []
    for pairs in _candidates(hashes):
        near = pairs[np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]) < BANDS]
        alike += map(tuple, near[_differences(thumbnails, near) <= limit].tolist())
    return [group for group in connected(count, alike) if len(group) > 1]


def _hash(thumbnail: np.ndarray) -> int:
    import imagehash

    return int(str(imagehash.phash(Image.fromarray(thumbnail))), 16)


def _usual_difference(thumbnails: np.ndarray | Indexable, pairs: int = 1000) -> float:
    """The median difference of two pictures."""
    drawn = np.random.default_rng(0).integers(0, len(thumbnails), (pairs, 2))
    return float(np.median(_differences(thumbnails, drawn[drawn[:, 0] != drawn[:, 1]])))


def _candidates(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Yields pairs of indices, (pairs, 2), whose hashes have an equal part."""
    for band in range(BANDS):
        parts = hashes >> np.uint64(16 * band) & np.uint64(0xFFFF)
        order = np.lexsort((hashes, parts))
        for run in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1):
            if len(run) > 1:
                yield _pairs(run)


def _pairs(run: np.ndarray) -> np.ndarray:
    most = len(run) - 1 if len(run) <= CROWD else NEXT
    return np.concatenate([np.column_stack([run[:-step], run[step:]]) for step in range(1, most + 1)])


def _differences(thumbnails: np.ndarray | Indexable, pairs: np.ndarray) -> np.ndarray:
    """Mean absolute differences of pairs, (pairs,)."""
    parts = [np.empty(0)]
    for start in range(0, len(pairs), BLOCK):
        one, other = (thumbnails[side].astype(np.int16) for side in pairs[start : start + BLOCK].T)
        parts.append(np.abs(one - other).mean(axis=(1, 2)))
    return np.concatenate(parts)
