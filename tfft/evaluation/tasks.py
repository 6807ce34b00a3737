"""The evaluation of each task: from predictions for all splits to scores. Thresholds are chosen on validation only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfft.data.examples import Splits
from tfft.errors import printable
from tfft.evaluation.boxes import best_box_thresholds, detection_scores
from tfft.evaluation.evaluation import Evaluation, score_splits
from tfft.evaluation.masks import segmentation_scores
from tfft.evaluation.metrics import single_label_scores
from tfft.evaluation.numbers import regression_scores
from tfft.evaluation.tags import best_thresholds, multi_label_scores
from tfft.evaluation.texts import summary_scores, translation_scores

logger = logging.getLogger(__name__)


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
    return score_splits(splits, predictions, lambda one, p: single_label_scores(one.targets, p, splits.labels))


def multilabel(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Average precision and F1, from probabilities by split, (examples, labels)."""
    thresholds = best_thresholds(splits.val.targets, predictions["val"])
    return score_splits(
        splits,
        predictions,
        lambda one, p: multi_label_scores(one.targets, p, splits.labels, thresholds),
        thresholds,
    )


def regression(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """R2 and errors, from predicted numbers by split, (examples, quantities)."""
    return score_splits(splits, predictions, lambda one, p: regression_scores(one.targets, p, splits.labels))


def detection(splits: Splits, predictions: Mapping[str, Any]) -> Evaluation:
    """Mean average precision, from `boxes`, `scores` and `labels` by split."""
    thresholds = best_box_thresholds(splits.val.targets, predictions["val"], splits.labels)
    return score_splits(
        splits,
        predictions,
        lambda one, p: detection_scores(one.targets, p, splits.labels, thresholds),
        thresholds,
    )


def segmentation(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Pixel accuracy and mean IoU, from a confusion matrix for each picture by split, see `confusions`."""
    return score_splits(splits, predictions, lambda one, p: segmentation_scores(p, splits.labels))


def translation(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """BLEU and chrF, from generated texts by split."""
    return score_splits(splits, predictions, lambda one, p: translation_scores(p, one.references))


def summarization(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """ROUGE, from generated texts by split."""
    return score_splits(splits, predictions, lambda one, p: summary_scores(p, one.references))
