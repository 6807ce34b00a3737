"""Settings of a recipe that say how its model is judged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AcceptFields:
    """A setting of every recipe, to be inherited by their `Config`."""

    accept: tuple[str, ...] = ()
    """Conditions for the model on test, or else val, such as "macro_f1>=0.9"; if one is not met, the exit code is 7."""


@dataclass(frozen=True)
class CalibrationFields:
    """Settings of every recipe whose model gives probabilities, to be inherited by their `Config`."""

    calibrate: bool = False
    """Scale the logits by one temperature, fitted on validation, so that probabilities mean what they say."""
    threshold: str = "auto"
    """Least probability of a label: f1 (the best F1), "recall>=0.95", "precision>=0.9" or a number; chosen on
    validation. auto is f1 for tags; a class is then the most probable one."""


@dataclass(frozen=True)
class PriorFields(CalibrationFields):
    """Settings of every recipe that predicts one class, to be inherited by their `Config`."""

    prior: str = "train"
    """Class shares where the model will be used: train, equal, or '{"spam": 0.1, "ham": 0.9}'."""
    positive: str | None = None
    """With two classes, the one that `threshold` is for; by default the rarer one in training."""
