"""The order of an epoch."""

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
    """The order of the examples in one epoch, (count,), int64: a function of the arguments alone.

    Args:
        count: Examples.
        seed: With the number of the epoch, decides the order.
        epoch: Its number.
        chances: (count,), how likely each example is at each place, relative to the others; then some come several
            times and some not at all. None for each once.
        widths: (count,), of texts; those that follow one another are then about as long. None for pictures.
        group: How many texts are of about one width.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(count) if chances is None else rng.choice(count, count, p=chances / chances.sum())
    return order if widths is None else by_width(order, widths, group, rng)


def fetched_together(batch_size: int) -> int:
    """Examples that are fetched at once: whole batches, and a multiple of `TOGETHER` where that is not too many."""
    group = math.lcm(batch_size, TOGETHER)
    return group if group <= 8 * max(batch_size, TOGETHER) else batch_size
