"""Conditions that a model must meet to be accepted, such as `macro_f1>=0.9`."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfft.errors import ConfigError, NotAcceptedError, nearest

SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
SCORES = (
    "accuracy", "macro_f1", "loss", "calibration_error", "precision", "recall", "macro_average_precision", "micro_f1",
    "exact_match", "r2", "mae", "rmse", "map50", "map75", "map", "mean_iou", "pixel_accuracy", "bleu", "chrf", "rouge1",
    "rouge2", "rougeL",
)  # fmt: skip
"""Scores of all tasks that are single numbers."""


@dataclass(frozen=True)
class Condition:
    """One condition."""

    score: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.score}{self.sign}{self.bound:g}"


@dataclass(frozen=True)
class Verdict:
    """Whether a model meets a condition."""

    condition: str
    split: str
    value: float | None
    """The score; None if the task has none of that name."""
    interval: tuple[float, float] | None
    """The 95 % interval of the value; None if the score has none."""
    met: bool
    sure: bool
    """Whether the whole interval says the same as the value."""

    @property
    def in_words(self) -> str:
        """`"macro_f1>=0.9 on test: met, but not surely, 0.913 (95 % interval 0.882 to 0.938)"`."""
        if self.value is None:
            return f"{self.condition} on {self.split}: not met, this task has no such score"
        width = "" if self.interval is None else " (95 % interval {:.4g} to {:.4g})".format(*self.interval)
        doubt = "" if self.sure else ", but not surely"
        return f"{self.condition} on {self.split}: {'met' if self.met else 'not met'}{doubt}, {self.value:.4g}{width}"


SCORES_OF = {
    "class": ("accuracy", "macro_f1", "loss", "calibration_error", "precision", "recall"),
    "tags": ("macro_average_precision", "macro_f1", "micro_f1", "exact_match", "loss", "calibration_error"),
    "numbers": ("r2", "mae", "rmse"),
}
"""Those of the tasks whose targets are classes, tags or numbers."""


def conditions_of(words: Sequence[str], targets: str | None = None) -> list[Condition]:
    """The conditions in words.

    Args:
        words: Such as `"macro_f1>=0.9"`.
        targets: One of `SCORES_OF`, if it is known what is predicted.

    Raises:
        ConfigError: If one is no condition, or names a score that the task does not have.
    """
    known = SCORES_OF.get(targets or "", SCORES)
    found = []
    for word in words:
        read = re.fullmatch(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*", word)
        try:
            found.append(Condition(read[1], read[2], float(read[3])))
        except (TypeError, ValueError):
            raise ConfigError(
                f"`--accept` must be a score, a sign and a number (got {word!r})", fix='For instance: "macro_f1>=0.9"'
            ) from None
        if read[1] not in known:
            raise ConfigError(
                f"`--accept` names no score of this task (got {read[1]})", fix=f"Nearest: {nearest(read[1], known)}"
            )
    return found


def verdicts(
    words: Sequence[str], split: str, scores: Mapping[str, Any], intervals: Mapping[str, Sequence[float]]
) -> list[Verdict]:
    """Which conditions the scores of a split meet.

    Args:
        words: The conditions, as for `conditions_of`.
        split: Name of the split.
        scores: By name.
        intervals: The 95 % interval of each score that has one.
    """
    result = []
    for condition in conditions_of(words):
        value = scores.get(condition.score)
        if value is None:
            result.append(Verdict(str(condition), split, None, None, met=False, sure=True))
            continue
        meets, interval = SIGNS[condition.sign], intervals.get(condition.score)
        met = meets(value, condition.bound)
        sure = interval is None or all(meets(end, condition.bound) == met for end in interval)
        result.append(Verdict(str(condition), split, value, None if interval is None else tuple(interval), met, sure))
    return result


def check_accepted(given: Sequence[Verdict]) -> None:
    """Raises `NotAcceptedError` if a condition is not met."""
    if failed := [verdict.in_words for verdict in given if not verdict.met]:
        raise NotAcceptedError(f"The model is not accepted: {'; '.join(failed)}")
