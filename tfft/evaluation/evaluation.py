"""The evaluation of a trained model: its scores, and the predictions that they are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    task: str | None = None
    """One of `TASKS`, which says what the predictions are; None for an evaluation of your own."""

    @property
    def headline(self) -> dict[str, Any]:
        """The first number of the last split: `{"split": "test", "name": "accuracy", "value": 0.94}`."""
        split, values = list(self.scores.items())[-1]
        name = next((name for name, value in values.items() if isinstance(value, float)), None)
        return {"split": split, "name": name, "value": values.get(name)}
