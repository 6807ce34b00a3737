"""What is known of a trained model: its scores, and the answers that they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.data.examples import Examples, Splits

Scores = dict[str, dict[str, Any]]
"""By split, then by metric; JSON as it is."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Of every split that was scored."""

    scores: Scores
    predictions: Mapping[str, Any] = field(repr=False)
    """By split, the answers to its examples, in their order."""
    thresholds: np.ndarray | None = None
    """(labels,), from which probability on a label is there, chosen on validation; None where there is no choice."""


def score_splits(
    splits: Splits,
    predictions: Mapping[str, Any],
    score: Callable[[Examples, Any], dict[str, Any]],
    thresholds: np.ndarray | None = None,
) -> Evaluation:
    """Scores the splits that have predictions.

    Args:
        splits: The data.
        predictions: By split.
        score: From the examples of a split and the predictions for them to its scores.
        thresholds: That they were computed with, if any.
    """
    scores = {name: score(getattr(splits, name), given) for name, given in predictions.items()}
    return Evaluation(scores, predictions, thresholds)
