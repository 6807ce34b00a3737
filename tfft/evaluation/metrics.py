"""Scores of predicted classes, by scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_CLASSES = 200
"""Most classes for which the scores include a confusion matrix; a larger one is nearly all zeros."""
MOST_CONFUSED = 50
"""Most pairs of classes in `most_confused`."""


def single_label_scores(targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Scores of one split.

    Args:
        targets: Class indices, (examples,), int.
        probabilities: Predicted, (examples, classes), each row sums to 1.
        labels: Names of the classes.

    Returns:
        `accuracy` and `macro_f1` in [0, 1], the latter over the classes that are present or predicted;
        `loss`, the mean cross-entropy in nats; `per_class`, for each label its `precision`, `recall`, `f1` (0 where
        the denominator is 0) and `support`; `most_confused`, up to 50 of `[true, predicted, count]`, most first;
        for up to 200 classes `confusion_matrix`, rows true, columns predicted.
    """
    from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

    every = np.arange(len(labels))
    predicted = probabilities.argmax(axis=-1)
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=every, zero_division=0)
    wrong = np.flatnonzero(predicted != targets)
    confused = Counter(zip(targets[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    scores = {
        "accuracy": float((predicted == targets).mean()),
        "macro_f1": float(f1_score(targets, predicted, average="macro", zero_division=0)),
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
        "most_confused": [
            [labels[true], labels[guess], count] for (true, guess), count in confused.most_common(MOST_CONFUSED)
        ],
    }
    if len(labels) <= MOST_CLASSES:
        scores["confusion_matrix"] = confusion_matrix(targets, predicted, labels=every).tolist()
    return scores
