"""The evaluation of each task: from predictions for all splits to scores. Thresholds are chosen on validation only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfft.data.examples import Examples, Splits, Texts
from tfft.errors import printable
from tfft.evaluation.baselines import guess_of
from tfft.evaluation.boxes import best_box_thresholds, detection_scores
from tfft.evaluation.decisions import best_thresholds
from tfft.evaluation.evaluation import Baseline, Evaluation
from tfft.evaluation.intervals import intervals
from tfft.evaluation.masks import segmentation_scores
from tfft.evaluation.metrics import single_label_scores
from tfft.evaluation.numbers import regression_scores
from tfft.evaluation.tags import multi_label_scores
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
            return single_label_scores(truth, predictions, labels, thresholds)
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


def scored(
    task: str,
    splits: Splits,
    predictions: Mapping[str, Any],
    thresholds: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Scores the splits that have predictions; those that were not trained on, with intervals.

    Args:
        task: One of `TASKS`.
        splits: The data.
        predictions: By split, for its examples.
        thresholds: Score threshold of each label, where the task has any.
        notes: On the predictions, for the report.
    """
    given = {name: (task, _truth(getattr(splits, name)), values, splits.labels) for name, values in predictions.items()}
    return Evaluation(
        scores={name: scores_of(*each, thresholds) for name, each in given.items()},
        predictions=predictions,
        thresholds=thresholds,
        task=task,
        intervals={name: intervals(*each, thresholds) for name, each in given.items() if name != "train"},
        baseline=_baseline(task, splits, predictions),
        notes=tuple(notes),
    )


def _baseline(task: str, splits: Splits, predictions: Mapping[str, Any]) -> Baseline | None:
    """The scores of guessing on the last split."""
    guess = guess_of(task, splits, predictions)
    if guess is None:
        return None
    name, guesses = list(guess.predictions.items())[-1]
    scores = scores_of(task, _truth(getattr(splits, name)), guesses, splits.labels, guess.thresholds)
    return Baseline(guess.in_words, {key: value for key, value in scores.items() if isinstance(value, float)})


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
    return scored("classification", splits, predictions)


def multilabel(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Average precision and F1, from probabilities by split, (examples, labels)."""
    thresholds = best_thresholds(splits.val.targets, predictions["val"])
    return scored("multilabel", splits, predictions, thresholds)


def regression(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """R2 and errors, from predicted numbers by split, (examples, quantities)."""
    return scored("regression", splits, predictions)


def detection(splits: Splits, predictions: Mapping[str, Any]) -> Evaluation:
    """Mean average precision, from `boxes`, `scores` and `labels` by split."""
    thresholds = best_box_thresholds(splits.val.targets, predictions["val"], splits.labels)
    return scored("detection", splits, predictions, thresholds)


def segmentation(splits: Splits, predictions: Mapping[str, np.ndarray]) -> Evaluation:
    """Pixel accuracy and mean IoU, from a confusion matrix for each picture by split, see `confusions`."""
    return scored("segmentation", splits, predictions)


def translation(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """BLEU and chrF, from generated texts by split."""
    return scored("translation", splits, predictions)


def summarization(splits: Splits, predictions: Mapping[str, Sequence[str]]) -> Evaluation:
    """ROUGE, from generated texts by split."""
    return scored("summarization", splits, predictions)
