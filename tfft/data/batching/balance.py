"""How a loss treats rare and common classes."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Protocol

import numpy as np

from tfft.data.choices import Balance, Sampling
from tfft.data.indexing import Indexable

MOST_WEIGHT = 20.0
"""Upper limit, so that a few examples of a very rare class do not dominate the loss."""
FOCAL = 2.0
"""Exponent of the focal loss, as in its paper (Lin et al. 2017, arXiv:1708.02002)."""


class Counted(Sized, Protocol):
    """Examples with the counts of their classes."""

    counts: list[int]
    targets: np.ndarray | Indexable


def sampling_of(balance: Balance) -> Sampling:
    """What an epoch shows."""
    return balance if balance in ("oversample", "undersample") else "all"


def class_balance(examples: Counted | None, balance: Balance) -> dict[str, Any]:
    """Arguments of `models.single_label` by which its loss treats rare classes.

    Args:
        examples: The training split, or None.
        balance: How rare classes are treated.

    Returns:
        `weights`: of each class, their mean over the examples is 1. `focal`: exponent. `prior`: share of each class.
        What is not asked for is None or 0; without counts, nothing is.
    """
    counts = _counts(examples)
    total = sum(counts)
    weights = [min(MOST_WEIGHT, total / (len(counts) * count)) for count in counts]
    return _asked(balance, weights, [count / total for count in counts])


def label_balance(examples: Counted | None, balance: Balance) -> dict[str, Any]:
    """Arguments of `models.multi_label`, as for `class_balance`.

    With weights, the positives of each label weigh as much as its negatives; `prior` is the share of its positives.
    """
    counts, total = _counts(examples), len(examples or ())
    weights = [min(MOST_WEIGHT, max(1 / MOST_WEIGHT, (total - count) / count)) for count in counts]
    return _asked(balance, weights, [count / (total + 1) for count in counts])


def pixel_balance(examples: Counted | None, balance: Balance) -> dict[str, Any]:
    """Arguments of `models.pixel_labels`, as for `class_balance`, by the shares of the pixels.

    Weights are 1 for a class of median share: median frequency balancing (Eigen and Fergus 2015, arXiv:1411.4734).
    """
    if balance not in ("weights", "logit-adjustment") or not _counts(examples):
        return _asked(balance, [], [])
    pixels = np.zeros(256, np.int64)
    for position in range(len(examples)):
        pixels += np.bincount(examples.targets[np.array([position])].ravel(), minlength=256)
    shares = np.maximum(pixels[: len(examples.counts)], 1)
    weights = np.minimum(MOST_WEIGHT, np.median(shares) / shares)
    return _asked(balance, weights.tolist(), (shares / shares.sum()).tolist())


def _counts(examples: Counted | None) -> list[int]:
    """How often each class occurs, at least once: a prior or a weight cannot be 0 or infinite."""
    return [max(1, count) for count in examples.counts] if examples is not None else []


def _asked(balance: Balance, weights: list[float], prior: list[float]) -> dict[str, Any]:
    return {
        "weights": (weights or None) if balance == "weights" else None,
        "focal": FOCAL if balance == "focal" else 0.0,
        "prior": (prior or None) if balance == "logit-adjustment" else None,
    }
