"""Scores of a model that says for each of several classes whether it is there, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

UNSEEN = 0.5
"""Threshold of a label that no picture of the split has, or every one."""


def best_thresholds(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """For each label the threshold with the highest F1, half-way to the next lower probability: (labels,), float.

    To be chosen on validation, and applied as it is to test: a label is there where its probability is at least its
    threshold. One threshold of 0.5 for all suits rare labels badly (Lipton, Elkan and Narayanaswamy 2014,
    arXiv:1402.1892).

    Args:
        targets: Which labels are there, (examples, labels), 1 or 0.
        probabilities: Predicted, (examples, labels).
    """
    from sklearn.metrics import precision_recall_curve

    found = []
    for truth, chance in zip(targets.T, probabilities.T, strict=True):
        if not 0 < truth.sum() < len(truth):
            found.append(UNSEEN)
            continue
        precision, recall, cuts = precision_recall_curve(truth, chance)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        best = int(np.argmax(f1[:-1]))
        # in double precision: two neighbours of single precision have nothing between them
        cut, below = float(cuts[best]), chance[chance < cuts[best]]
        # a threshold on the very probability of one picture would be decided by its last bit
        found.append((cut + float(below.max())) / 2 if len(below) else cut / 2)
    return np.array(found)


def multi_label_scores(
    targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], thresholds: np.ndarray
) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: Which labels are there, (examples, labels), 1 or 0.
        probabilities: Predicted, (examples, labels), in [0, 1].
        labels: Names of the labels.
        thresholds: From which probability on a label counts as predicted, (labels,).

    Returns:
        `macro_average_precision`, `macro_f1` and `micro_f1` in [0, 1], means over the labels that the split has;
        `exact_match`, the share of pictures of which every label is right; `loss`, the mean binary cross-entropy in
        nats; `per_class`, for each label its `average_precision` (None without pictures), `precision`, `recall`, `f1`
        (0 where the denominator is 0), `threshold` and `support`.
    """
    from sklearn.metrics import average_precision_score, f1_score, log_loss, precision_recall_fscore_support

    predicted = probabilities >= thresholds
    truth = targets.astype(bool)
    # label by label, since one label alone would be read as two classes
    each = [
        precision_recall_fscore_support(*pair, average="binary", zero_division=0)[:3]
        for pair in zip(truth.T, predicted.T, strict=True)
    ]
    precision, recall, f1 = np.array(each).T
    support = truth.sum(axis=0)
    there = np.flatnonzero(support)
    areas = {index: float(average_precision_score(truth[:, index], probabilities[:, index])) for index in there}
    return {
        "macro_average_precision": float(np.mean(list(areas.values()))) if areas else 0.0,
        "macro_f1": float(f1[there].mean()) if areas else 0.0,
        "micro_f1": float(f1_score(truth.ravel(), predicted.ravel(), zero_division=0)),
        "exact_match": float((predicted == truth).all(axis=1).mean()),
        "loss": float(log_loss(truth.ravel(), probabilities.ravel().astype(np.float64), labels=[False, True])),
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
