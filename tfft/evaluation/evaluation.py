"""The evaluation of a trained model: its scores, and the predictions that they are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.evaluation.intervals import Interval

Scores = dict[str, dict[str, Any]]
"""By split, then by metric; JSON values."""


@dataclass(frozen=True)
class Baseline:
    """Scores of a guess, which a model has to beat."""

    in_words: str
    """What is guessed: `"always ant, the most frequent class"`."""
    scores: Mapping[str, float]
    """By name, of the last split."""


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
    intervals: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    """By split and score, the ends of the 95 % interval, see `intervals`; not for train."""
    baseline: Baseline | None = None
    """What guessing gives on the last split; None where nothing can be guessed."""
    as_trained: Mapping[str, Any] | None = field(default=None, repr=False)
    """The predictions before they were calibrated or adjusted to other class shares; None if they were not."""
    notes: tuple[str, ...] = ()
    """What was done to the predictions after training, one sentence each."""

    @property
    def headline(self) -> dict[str, Any]:
        """The first number of the last split: `{"split": "test", "name": "accuracy", "value": 0.94}`."""
        split, values = list(self.scores.items())[-1]
        name = next((name for name, value in values.items() if isinstance(value, float)), None)
        return {"split": split, "name": name, "value": values.get(name)}
