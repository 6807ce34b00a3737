"""The order of the examples in an epoch."""

from __future__ import annotations

import math

import numpy as np

from tfft.conventions import TOGETHER
from tfft.data.batching.widths import by_width
from tfft.data.choices import Sampling


def epoch_order(
    count: int,
    seed: int,
    epoch: int,
    *,
    rarity: np.ndarray | None = None,
    sampling: Sampling = "all",
    widths: np.ndarray | None = None,
    group: int = 1,
) -> np.ndarray:
    """The order of the examples in one epoch, (examples,), int64: a pure function of the arguments.

    Args:
        count: Number of examples.
        seed: Determines the order, together with the number of the epoch.
        epoch: Number of the epoch.
        rarity: (count,), one over the count of the rarest class in each example; None if there are no classes.
        sampling: Whether every example is shown once, or rare classes more often or common ones less often.
        widths: (count,), widths of texts, to group texts of similar width. None for pictures.
        group: Number of texts in such a group.
    """
    rng = np.random.default_rng((seed, epoch))
    if rarity is None or sampling == "all":
        order = rng.permutation(count)
    elif sampling == "oversample":
        order = rng.choice(count, count, p=rarity / rarity.sum())
    else:
        order = _thinned(rarity, rng)
    return order if widths is None else by_width(order, widths, group, rng)


def shown_per_epoch(count: int, rarity: np.ndarray | None, sampling: Sampling) -> int:
    """Number of examples in `epoch_order`."""
    if rarity is None or sampling != "undersample":
        return count
    return int(_passed(np.sort(rarity)[::-1])[-1])


def _thinned(rarity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every example of the rarest class, and about as many of each other, in random order.

    Systematic sampling: an example is shown with a probability, and the sum of the probabilities up to it passes a
    whole number where it is. Among examples that are equally rare, exactly their share is shown.
    """
    mixed = rng.permutation(len(rarity))
    mixed = mixed[np.argsort(-rarity[mixed], kind="stable")]
    return rng.permutation(mixed[np.diff(_passed(rarity[mixed]), prepend=0) > 0])


def _passed(falling: np.ndarray) -> np.ndarray:
    """How many examples are shown among the first, second and so on, the rarest first."""
    # the half keeps rounding errors of the sum away from the whole numbers
    return np.floor(np.cumsum(falling / falling[0]) + 0.5).astype(int)


def fetched_together(batch_size: int) -> int:
    """Number of examples fetched at once: whole batches, and a multiple of `TOGETHER` if that is not too many."""
    group = math.lcm(batch_size, TOGETHER)
    return group if group <= 8 * max(batch_size, TOGETHER) else batch_size
