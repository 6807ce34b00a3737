"""From probabilities to decisions: thresholds for a wanted precision or recall, and class shares."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tfft.errors import ConfigError, listed, printable
from tfft.evaluation.settings import CalibrationFields

logger = logging.getLogger(__name__)

WANTED = re.compile(r"(precision|recall) ?>= ?([\d.]+)")
RULES = ("auto", "f1")
SMALLEST = float(np.finfo(float).tiny)
"""Least threshold."""
LEAST_SHARE = 1e-6
"""Least share of a class."""
UNSEEN = 0.5
"""Threshold of a label that no example has, or every example."""


def check_decisions(config: CalibrationFields, labels: Sequence[str], *, tags: bool) -> None:
    """Raises `ConfigError` if the settings do not fit the labels.

    Args:
        config: The settings.
        labels: Names of the classes.
        tags: Whether an example can have several of them.
    """
    rule = config.threshold
    wanted = WANTED.fullmatch(rule)
    number = _number(wanted[2] if wanted else rule)
    if rule not in RULES and (number is None or not 0 < number <= 1 or (number == 1 and not wanted)):
        raise ConfigError(
            f"`threshold` must be auto, f1, a precision or recall up to 1, or a number between 0 and 1 (got {rule!r})",
            fix='For instance: "recall>=0.95"',
        )
    if tags:
        return
    if rule != "auto" and len(labels) != 2:
        raise ConfigError(
            f"`threshold` is for two classes or for tags (there are {len(labels)} classes)", fix="Leave it out"
        )
    positive = getattr(config, "positive", None)
    if positive is not None and positive not in labels:
        raise ConfigError(f"`positive` names no class (got {positive!r})", fix=f"The classes are {listed(labels)}")
    if positive is not None and rule == "auto":
        raise ConfigError("`positive` is for a threshold", fix='Set one, such as `--threshold "recall>=0.95"`')
    wanted_shares(getattr(config, "prior", "train"), labels)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def wanted_shares(prior: str, labels: Sequence[str]) -> np.ndarray | None:
    """The share of each class where the model will be used, (classes,); None for those of training.

    Raises:
        ConfigError: If a class is missing or unknown, or a share is not above 0.
    """
    if prior == "train":
        return None
    if prior == "equal":
        return np.full(len(labels), 1 / len(labels))
    try:
        shares = json.loads(prior)
        values = [float(shares[label]) for label in labels] if isinstance(shares, Mapping) else []
    except (ValueError, TypeError, KeyError, RecursionError):
        values, shares = [], {}
    total = sum(values)
    sensible = total and math.isfinite(total) and all(value / total >= LEAST_SHARE for value in values)
    if not sensible or len(shares) != len(labels):
        example = json.dumps({label: round(1 / len(labels), 3) for label in labels[:3]}, ensure_ascii=False)
        raise ConfigError(
            f"`prior` must be train, equal or the share of every class, at least 1 in a million (got {prior!r})",
            fix=f"For instance: '{example}'" + (f" and so on for {len(labels)} classes" if len(labels) > 3 else ""),
        )
    return np.array(values) / sum(values)


def class_thresholds(
    rule: str, positive: int, truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """The thresholds of two classes, see `classes_of`: that of the positive class, and 0.

    Args:
        rule: `threshold` of the settings.
        positive: Index of the positive class.
        truth: Class indices of the validation split, (examples,).
        probabilities: (examples, 2).
        labels: Names of the classes.
    """
    thresholds = np.zeros(2)
    threshold = best_threshold(rule, truth == positive, probabilities[:, positive], labels[positive])
    thresholds[positive] = max(threshold, SMALLEST)  # 0 would say that the class is not the positive one
    return thresholds


def best_thresholds(
    truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str] = (), rule: str = "f1"
) -> np.ndarray:
    """The threshold of each tag, (labels,), float: by default the one with the highest F1.

    Choose it on validation and apply it unchanged to test: a label is predicted if its probability is at least its
    threshold. A threshold of 0.5 for all labels suits rare labels badly (Lipton, Elkan and Narayanaswamy 2014,
    arXiv:1402.1892).

    Args:
        truth: True labels, (examples, labels), 1 or 0.
        probabilities: Predicted, (examples, labels).
        labels: Names of the labels, for warnings.
        rule: `threshold` of the settings, see `best_threshold`.
    """
    names = labels or list(map(str, range(truth.shape[1])))
    return np.array([best_threshold(rule, *column) for column in zip(truth.T > 0, probabilities.T, names, strict=True)])


def best_threshold(rule: str, truth: np.ndarray, probabilities: np.ndarray, label: str) -> float:
    """The threshold of one label, half-way to the next lower probability.

    With the best F1; or, of those that reach a wanted recall, the one with the highest precision; or, of those that
    reach a wanted precision, the one with the highest recall. If none does, a warning, and the nearest. A label that no
    example has, or every example, gets 0.5.

    Args:
        rule: `threshold` of the settings.
        truth: Whether each example has the label, (examples,).
        probabilities: (examples,).
        label: Name of the label.
    """
    from sklearn.metrics import precision_recall_curve

    if (number := _number(rule)) is not None:
        return number
    if not 0 < truth.sum() < len(truth):
        return UNSEEN
    precision, recall, cuts = precision_recall_curve(truth, probabilities)
    precision, recall = precision[:-1], recall[:-1]  # the last ones have no threshold
    if read := WANTED.fullmatch(rule):
        wanted = float(read[2])
        has, other = (precision, recall) if read[1] == "precision" else (recall, precision)
        reached = has >= wanted
        if not reached.any():
            logger.warning(
                "No threshold gives %s a %s of %g on validation: the highest is %.4f",
                printable(label), read[1], wanted, has.max(),
            )  # fmt: skip
            reached = has == has.max()
        best = int(np.argmax(np.where(reached, other, -1)))
    else:
        best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-12)))
    # in double precision, since no number lies between two neighbours in single precision
    cut, below = float(cuts[best]), probabilities[probabilities < cuts[best]]
    # at exactly the probability of an example, its last bit would decide
    return (cut + float(below.max())) / 2 if len(below) else cut / 2
