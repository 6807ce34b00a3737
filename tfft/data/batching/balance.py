"""Loss weights that balance rare and common classes."""

from __future__ import annotations

from collections.abc import Sized
from typing import Protocol

import numpy as np

from tfft.data.choices import Balance
from tfft.data.indexing import Indexable

MOST_WEIGHT = 20.0
"""Upper limit, so that a few examples of a very rare class do not dominate the loss."""


class Counted(Sized, Protocol):
    """Examples with the counts of their classes."""

    counts: list[int]
    targets: np.ndarray | Indexable


def class_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Loss weights of classes that exclude each other; their mean over the examples is 1.

    Args:
        examples: The training split, or None.
        balance: How rare classes are treated.

    Returns:
        One weight per class; None unless `balance` is `"weights"` and the counts are known.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    total = sum(examples.counts)
    return [min(MOST_WEIGHT, total / (len(examples.counts) * max(1, count))) for count in examples.counts]


def label_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Loss weights of positive examples, so that each label's positives weigh as much as its negatives.

    Args:
        examples: The training split, or None.
        balance: How rare classes are treated.

    Returns:
        One weight per class; None unless `balance` is `"weights"` and the counts are known.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    weights = [(len(examples) - count) / max(1, count) for count in examples.counts]
    return [min(MOST_WEIGHT, max(1 / MOST_WEIGHT, weight)) for weight in weights]


def pixel_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Loss weights of classes by their share of the pixels: 1 for a class of median share.

    Median frequency balancing (Eigen and Fergus 2015, arXiv:1411.4734).

    Args:
        examples: The training split, or None.
        balance: How rare classes are treated.

    Returns:
        One weight per class; None unless `balance` is `"weights"` and the counts are known.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    pixels = np.zeros(256, np.int64)
    for position in range(len(examples)):
        pixels += np.bincount(examples.targets[np.array([position])].ravel(), minlength=256)
    shares = np.maximum(pixels[: len(examples.counts)], 1)
    return np.minimum(MOST_WEIGHT, np.median(shares) / shares).tolist()
