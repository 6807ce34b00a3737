"""The evaluation of a trained model: its scores, and the predictions that they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.data.examples import Examples, Splits

Scores = dict[str, dict[str, Any]]
"""By split, then by metric; JSON values."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores and predictions of every scored split."""

    scores: Scores
    predictions: Mapping[str, Any] = field(repr=False)
    """By split, the predictions for its examples, in their order."""
    thresholds: np.ndarray | None = None
    """Score threshold of each label, (labels,), chosen on validation; None where a task has none."""


def score_splits(
    splits: Splits,
    predictions: Mapping[str, Any],
    score: Callable[[Examples, Any], dict[str, Any]],
    thresholds: np.ndarray | None = None,
) -> Evaluation:
    """Scores the splits that have predictions.

    Args:
        splits: The data.
        predictions: Predictions by split.
        score: From the examples of a split and their predictions to the scores.
        thresholds: Score thresholds used by `score`, if any.
    """
    scores = {name: score(getattr(splits, name), values) for name, values in predictions.items()}
    return Evaluation(scores, predictions, thresholds)
