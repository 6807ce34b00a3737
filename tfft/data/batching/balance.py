"""Weights for classes that are rarer than others."""

from __future__ import annotations

from collections.abc import Sized
from typing import Protocol

import numpy as np

from tfft.data.choices import Balance
from tfft.data.indexing import Indexable

MOST_WEIGHT = 20.0
"""A class that is rarer still would drown the others with a few examples."""


class Counted(Sized, Protocol):
    """Examples of which it is known how often each class is shown."""

    counts: list[int]
    targets: np.ndarray | Indexable


def class_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Weights of the loss of each class, of which every example has one: their mean over the examples is 1.

    Args:
        examples: Of the training split; None if they are not known.
        balance: Weights are for `"weights"` alone.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    total = sum(examples.counts)
    return [min(MOST_WEIGHT, total / (len(examples.counts) * max(1, count))) for count in examples.counts]


def label_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Weights of the loss of each label where it is there, so that it weighs as much as where it is not.

    Args:
        examples: Of the training split; None if they are not known.
        balance: Weights are for `"weights"` alone.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    weights = [(len(examples) - count) / max(1, count) for count in examples.counts]
    return [min(MOST_WEIGHT, max(1 / MOST_WEIGHT, weight)) for weight in weights]


def pixel_weights(examples: Counted | None, balance: Balance) -> list[float] | None:
    """Weights of the loss of each class by its share of the pixels: 1 for a class of median share.

    Median frequency balancing (Eigen and Fergus 2015, arXiv:1411.4734).

    Args:
        examples: Of the training split; None if they are not known.
        balance: Weights are for `"weights"` alone.
    """
    if balance != "weights" or examples is None or not examples.counts:
        return None
    pixels = np.zeros(256, np.int64)
    for position in range(len(examples)):
        pixels += np.bincount(examples.targets[np.array([position])].ravel(), minlength=256)
    shares = np.maximum(pixels[: len(examples.counts)], 1)
    return np.minimum(MOST_WEIGHT, np.median(shares) / shares).tolist()
