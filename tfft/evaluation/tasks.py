"""The evaluation of each task: from predictions for all splits to scores. Thresholds are chosen on validation only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfft.data.examples import Examples, Splits, Texts
from tfft.errors import printable
from tfft.evaluation.boxes import best_box_thresholds, detection_scores
from tfft.evaluation.evaluation import Evaluation
from tfft.evaluation.masks import segmentation_scores
from tfft.evaluation.metrics import single_label_scores
from tfft.evaluation.numbers import regression_scores
from tfft.evaluation.tags import best_thresholds, multi_label_scores
from tfft.evaluation.texts import summary_scores, translation_scores

logger = logging.getLogger(__name__)


TASKS = (
    "classification", "multilabel", "regression", "detection", "segmentation", "translation", "summarization",
)  # fmt: skip
"""Names of the tasks, each that of a function of this module."""


def scores_of(
    task: str, truth: Any, predictions: Any, labels: Sequence[str], thresholds: np.ndarray | None = None
) -> dict[str, Any]:
    """Scores of one split.

    Args:
        task: One of `TASKS`.
        truth: The targets of the examples; for generated texts their references.
        predictions: For each example, as the functions of this module take them.
        labels: Names of the classes or quantities.
        thresholds: Score threshold of each label, where the task has any.

    Returns:
        The scores by name, the most important one first; see `single_label_scores` and the others.
    """
    match task:
        case "classification":
            return single_label_scores(truth, predictions, labels)
        case "multilabel":
            return multi_label_scores(truth, predictions, labels, thresholds)
        case "regression":
            return regression_scores(truth, predictions, labels)
        case "detection":
            return detection_scores(truth, predictions, labels, thresholds)
        case "segmentation":
            return segmentation_scores(predictions, labels)
        case "translation":
            return translation_scores(predictions, truth)
        case "summarization":
            return summary_scores(predictions, truth)
    raise ValueError(task)


def _scored(
    task: str, splits: Splits, predictions: Mapping[str, Any], thresholds: np.ndarray | None = None
) -> Evaluation:
    """Scores the splits that have predictions."""
    scores = {
        name: scores_of(task, _truth(getattr(splits, name)), values, splits.labels, thresholds)
        for name, values in predictions.items()
    }
    return Evaluation(scores, predictions, thresholds, task)


def _truth(examples: Examples) -> Any:
    return examples.references if isinstance(examples, Texts) and examples.references is not None else examples.targets


def classification(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Accuracy, macro F1 and a confusion matrix, from probabilities by split, (examples, classes).

    Warns if all examples of a split are assigned to one class.
    """
    for name, probabilities in predictions.items():
        predicted = np.unique(probabilities.argmax(axis=-1))
        if len(predicted) == 1 and len(np.unique(getattr(splits, name).targets)) > 1:
            logger.warning(
                "All examples of %s are classified as %s: its score is that of guessing. Try `--balance weights`, more "
                "epochs or another learning rate.",
                name,
                printable(splits.labels[predicted[0]]),
            )
    return _scored("classification", splits, predictions)


def multilabel(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Average precision and F1, from probabilities by split, (examples, labels)."""
    thresholds = best_thresholds(splits.val.targets, predictions["val"])
    return _scored("multilabel", splits, predictions, thresholds)


def regression(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """R2 and errors, from predicted numbers by split, (examples, quantities)."""
    return _scored("regression", splits, predictions)


def detection(splits: Splits, predictions: Mapping[str, Any]) -> Evaluation:
    """Mean average precision, from `boxes`, `scores` and `labels` by split."""
    thresholds = best_box_thresholds(splits.val.targets, predictions["val"], splits.labels)
    return _scored("detection", splits, predictions, thresholds)


def segmentation(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Pixel accuracy and mean IoU, from a confusion matrix for each picture by split, see `confusions`."""
    return _scored("segmentation", splits, predictions)


def translation(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """BLEU and chrF, from generated texts by split."""
    return _scored("translation", splits, predictions)


def summarization(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """ROUGE, from generated texts by split."""
    return _scored("summarization", splits, predictions)
