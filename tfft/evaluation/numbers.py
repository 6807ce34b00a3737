"""Scores of a model that answers with numbers, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def regression_scores(targets: np.ndarray, answers: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: (examples, quantities).
        answers: (examples, quantities).
        names: Of the quantities.

    Returns:
        `r2`, the share of the variance that is explained, 1 at best and below 0 for answers worse than the mean;
        `mae` and `rmse`, the mean absolute error and the root of the mean squared one, in the units of the targets;
        each a mean over the quantities. With several, `per_quantity` has them for each.
    """
    each = {name: _scores(targets[:, index], answers[:, index]) for index, name in enumerate(names)}
    means = {key: float(np.mean([scores[key] for scores in each.values()])) for key in ("r2", "mae", "rmse")}
    return {**means, "per_quantity": each} if len(names) > 1 else means


def _scores(truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    truth, answer = truth.astype(np.float64), answer.astype(np.float64)
    # of one example there is no variance to explain
    return {
        "r2": float(r2_score(truth, answer)) if len(truth) > 1 else 0.0,
        "mae": float(mean_absolute_error(truth, answer)),
        "rmse": float(root_mean_squared_error(truth, answer)),
    }
