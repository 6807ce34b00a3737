"""Scores of a classifier, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def single_label_scores(targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: Index of the true class, (examples,), int.
        probabilities: Predicted, (examples, classes), each row sums to 1.
        labels: Names of the classes.

    Returns:
        `accuracy` and `macro_f1` in [0, 1]; `loss`, the mean cross-entropy in nats; `per_class`, for each label
        its `precision`, `recall`, `f1` and `support`; `confusion_matrix`, rows true, columns predicted. A
        precision or recall whose denominator is 0 counts as 0.
    """
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

    every = np.arange(len(labels))
    predicted = probabilities.argmax(axis=-1)
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=every, zero_division=0)
    return {
        "accuracy": float((predicted == targets).mean()),
        "macro_f1": float(f1.mean()),
        "loss": float(log_loss(targets, probabilities, labels=every)),
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion_matrix": confusion_matrix(targets, predicted, labels=every).tolist(),
    }
