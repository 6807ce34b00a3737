"""Scores of predicted numbers, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def regression_scores(targets: np.ndarray, answers: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: (examples, quantities).
        answers: Predicted, (examples, quantities).
        names: Names of the quantities.

    Returns:
        `r2`, the explained share of the variance, at most 1 and below 0 for predictions worse than the mean; `mae` and
        `rmse`, the mean absolute error and the root of the mean squared error, in the units of the targets; each a mean
        over the quantities. With several quantities, `per_quantity` has the scores of each.
    """
    each = {name: _scores(targets[:, index], answers[:, index]) for index, name in enumerate(names)}
    means = {key: float(np.mean([scores[key] for scores in each.values()])) for key in ("r2", "mae", "rmse")}
    return {**means, "per_quantity": each} if len(names) > 1 else means


def _scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    # one example has no variance to explain
    return {
        "r2": float(r2_score(truth, predicted)) if len(truth) > 1 else 0.0,
        "mae": float(mean_absolute_error(truth, predicted)),
        "rmse": float(root_mean_squared_error(truth, predicted)),
    }
