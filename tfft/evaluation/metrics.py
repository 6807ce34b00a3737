"""Scores of predicted classes, by scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfft.evaluation.calibration import calibration_error, confidence

MOST_CLASSES = 200
"""Most classes for which the scores include a confusion matrix; a larger one is nearly all zeros."""
MOST_CONFUSED = 50
"""Most pairs of classes in `most_confused`."""


def classes_of(probabilities: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
    """The predicted classes, (examples,): the most probable, or of two classes with thresholds the positive one if its
    probability reaches its threshold, else the other.

    Args:
        probabilities: (examples, classes).
        thresholds: (2,): that of the positive class, and 0 for the other; None for the most probable class.
    """
    if thresholds is None:
        return probabilities.argmax(axis=-1)
    positive = int(np.argmax(thresholds))
    return np.where(probabilities[:, positive] >= thresholds[positive], positive, 1 - positive)


def _of_positive(precision: np.ndarray, recall: np.ndarray, thresholds: np.ndarray) -> dict[str, float]:
    positive = int(np.argmax(thresholds))
    return {"precision": float(precision[positive]), "recall": float(recall[positive])}


def single_label_scores(
    targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], thresholds: np.ndarray | None = None
) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: Class indices, (examples,), int.
        probabilities: Predicted, (examples, classes), each row sums to 1.
        labels: Names of the classes.
        thresholds: Of two classes, see `classes_of`; None for the most probable class.

    Returns:
        `accuracy` and `macro_f1` in [0, 1], the latter over the classes that are present or predicted; with thresholds
        `precision` and `recall` of the positive class; `loss`, the mean cross-entropy in nats; `calibration_error`, see
        there, of the most probable class; `per_class`, for each label its `precision`, `recall`, `f1` (0 where
        the denominator is 0) and `support`; `most_confused`, up to 50 of `[true, predicted, count]`, most first;
        for up to 200 classes `confusion_matrix`, rows true, columns predicted.
    """
    from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

    every = np.arange(len(labels))
    predicted = classes_of(probabilities, thresholds)
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=every, zero_division=0)
    wrong = np.flatnonzero(predicted != targets)
    confused = Counter(zip(targets[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    scores = {
        "accuracy": float((predicted == targets).mean()),
        "macro_f1": float(f1_score(targets, predicted, average="macro", zero_division=0)),
        **({} if thresholds is None else _of_positive(precision, recall, thresholds)),
        "loss": float(log_loss(targets, probabilities, labels=every)),
        "calibration_error": calibration_error(*confidence(targets, probabilities)),
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "most_confused": [
            [labels[true], labels[guess], count] for (true, guess), count in confused.most_common(MOST_CONFUSED)
        ],
    }
    if len(labels) <= MOST_CLASSES:
        scores["confusion_matrix"] = confusion_matrix(targets, predicted, labels=every).tolist()
    return scores
