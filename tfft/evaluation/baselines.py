"""What a score has to beat: predictions that look at no picture and understand no text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.decisions import best_thresholds

SENTENCE_END = re.compile(r"(?<=[.!?\N{IDEOGRAPHIC FULL STOP}])\s+")


@dataclass(frozen=True, eq=False)
class Guess:
    """Predictions that anyone could make."""

    in_words: str
    """What is predicted: `"always ant, the most frequent class"`."""
    predictions: Mapping[str, Any]
    """By split, for each example."""
    thresholds: np.ndarray | None = None
    """Score threshold of each label, where the task has any."""


def guess_of(task: str, splits: Splits, predictions: Mapping[str, Any]) -> Guess | None:
    """The guess to compare a model of a task with; None for boxes, where guessing finds nothing.

    It knows the training split alone: its most frequent class, the share of each label, its mean. A translation is
    compared with the source text, a summary with the first sentence of its text ("lead").

    Args:
        task: One of `TASKS`.
        splits: The data.
        predictions: Those of the model by split; the guess is for the same splits.
    """
    sizes = {name: len(getattr(splits, name)) for name in predictions}
    train = splits.train.targets
    match task:
        case "classification":
            shares = np.bincount(np.asarray(train), minlength=len(splits.labels)) / len(splits.train)
            words = f"always {splits.labels[shares.argmax()]}, the most frequent class"
            return Guess(words, {name: np.tile(shares, (size, 1)) for name, size in sizes.items()})
        case "multilabel":
            shares = np.asarray(train).mean(axis=0)
            guesses = {name: np.tile(shares, (size, 1)) for name, size in sizes.items()}
            cuts = best_thresholds(np.asarray(splits.val.targets), guesses["val"])
            return Guess("each label as often as in training", guesses, cuts)
        case "regression":
            mean = np.asarray(train).mean(axis=0)
            return Guess("always the mean", {name: np.tile(mean, (size, 1)) for name, size in sizes.items()})
        case "segmentation":
            pixels = next(iter(predictions.values())).sum(axis=(0, 2))
            usual = int(pixels.argmax())
            words = f"every pixel {splits.labels[usual]}, the most frequent class"
            return Guess(words, {name: _all_one(matrices, usual) for name, matrices in predictions.items()})
        case "translation":
            return Guess("the source text itself", {name: list(getattr(splits, name).texts) for name in predictions})
        case "summarization":
            leads = {
                name: [SENTENCE_END.split(text.strip(), 1)[0] for text in getattr(splits, name).texts]
                for name in predictions
            }
            return Guess("the first sentence", leads)
    return None


def _all_one(confusions: np.ndarray, predicted: int) -> np.ndarray:
    """Confusion matrices, (pictures, classes, classes), of a model that predicts one class for every pixel."""
    same = np.zeros_like(confusions)
    same[:, :, predicted] = confusions.sum(axis=2)
    return same
