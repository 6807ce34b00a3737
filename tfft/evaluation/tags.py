"""Scores of predicted labels, any number for each example, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfft.evaluation.calibration import calibration_error, confidence


def average_precisions(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """`average_precision` of one split, the mean over the labels present in it; quick enough for each epoch.

    It is exact. Keras's `AUC` uses 200 evenly spaced thresholds, which are too coarse for small probabilities.

    Args:
        targets: True labels, (examples, labels), 1 or 0.
        probabilities: Predicted, (examples, labels).
    """
    areas = _areas(targets.astype(bool), probabilities)
    return {"average_precision": float(np.mean(list(areas.values()))) if areas else 0.0}


def _areas(truth: np.ndarray, probabilities: np.ndarray) -> dict[int, float]:
    """Average precision by the index of a label, of those that any example has."""
    from sklearn.metrics import average_precision_score

    return {
        index: float(average_precision_score(truth[:, index], probabilities[:, index]))
        for index in np.flatnonzero(truth.sum(axis=0)).tolist()
    }


def multi_label_scores(
    targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], thresholds: np.ndarray
) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: True labels, (examples, labels), 1 or 0.
        probabilities: Predicted, (examples, labels), in [0, 1].
        labels: Names of the labels.
        thresholds: Least probability of a predicted label, (labels,).

    Returns:
        `macro_average_precision`, `macro_f1` and `micro_f1` in [0, 1], means over the labels present in the split;
        `exact_match`, the share of examples whose labels are all right; `loss`, the mean binary cross-entropy in nats;
        `calibration_error`, see there;
        `per_class`, for each label its `average_precision` (None without examples), `precision`, `recall`, `f1` (0
        where the denominator is 0), `threshold` and `support`.
    """
    from sklearn.metrics import f1_score, log_loss, precision_recall_fscore_support

    predicted = probabilities >= thresholds
    truth = targets.astype(bool)
    # label by label, since scikit-learn would read a single label as two classes
    each = [
        precision_recall_fscore_support(*pair, average="binary", zero_division=0)[:3]
        for pair in zip(truth.T, predicted.T, strict=True)
    ]
    precision, recall, f1 = np.array(each).T
    support = truth.sum(axis=0)
    present = np.flatnonzero(support)
    areas = _areas(truth, probabilities)
    return {
        "macro_average_precision": float(np.mean(list(areas.values()))) if areas else 0.0,
        "macro_f1": float(f1[present].mean()) if areas else 0.0,
        "micro_f1": float(f1_score(truth.ravel(), predicted.ravel(), zero_division=0)),
        "exact_match": float((predicted == truth).all(axis=1).mean()),
        "loss": float(log_loss(truth.ravel(), probabilities.ravel().astype(np.float64), labels=[False, True])),
        "calibration_error": calibration_error(*confidence(targets, probabilities)),
        "per_class": {
            label: {
                "average_precision": areas.get(index),
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "threshold": float(thresholds[index]),
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
    }
