"""The order of the examples in an epoch."""

from __future__ import annotations

import math

import numpy as np

from tfft.conventions import TOGETHER
from tfft.data.batching.widths import by_width


def epoch_order(
    count: int,
    seed: int,
    epoch: int,
    chances: np.ndarray | None = None,
    *,
    widths: np.ndarray | None = None,
    group: int = 1,
) -> np.ndarray:
    """The order of the examples in one epoch, (count,), int64: a pure function of the arguments.

    Args:
        count: Number of examples.
        seed: Determines the order, together with the number of the epoch.
        epoch: Number of the epoch.
        chances: (count,), relative probabilities for sampling with replacement, so that some examples occur several
            times and others not at all. None for every example once.
        widths: (count,), widths of texts, to group texts of similar width. None for pictures.
        group: Number of texts in such a group.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(count) if chances is None else rng.choice(count, count, p=chances / chances.sum())
    return order if widths is None else by_width(order, widths, group, rng)


def fetched_together(batch_size: int) -> int:
    """Number of examples fetched at once: whole batches, and a multiple of `TOGETHER` if that is not too many."""
    group = math.lcm(batch_size, TOGETHER)
    return group if group <= 8 * max(batch_size, TOGETHER) else batch_size
