"""Losses that Keras does not have in this form: weighed by class, focal, of the pixels that count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from tfft.conventions import IGNORED

Loss = Callable[[Any, Any], Any]
"""From targets and answers of a batch to losses, as Keras takes it."""


def cross_entropy(weights: Sequence[float] | None, focal: float) -> Loss:
    """Cross-entropy of classes, targets being indices, weighed by class and by how wrong an answer is."""
    by_class = None if weights is None else np.asarray(weights, np.float32)

    def loss(truth: Any, answer: Any) -> Any:
        truth = ops.cast(truth, "int32")
        losses = ops.sparse_categorical_crossentropy(truth, answer)
        if focal:
            losses = losses * ops.power(1 - ops.exp(-losses), focal)
        return losses if by_class is None else losses * ops.take(by_class, truth)

    return loss


def binary_cross_entropy(weights: Sequence[float] | None, focal: float) -> Loss:
    """Binary cross-entropy of each label, weighed where the label is there, and by how wrong an answer is."""
    by_label = np.float32(1) if weights is None else np.asarray(weights, np.float32)

    def loss(truth: Any, answer: Any) -> Any:
        truth = ops.cast(truth, "float32")
        losses = ops.binary_crossentropy(truth, answer)
        if focal:
            losses = losses * ops.power(1 - ops.exp(-losses), focal)
        return ops.mean(losses * (1 + (by_label - 1) * truth), axis=-1)

    return loss


def huber(error: Any) -> Any:
    """Half the square of an error below one, its size less a half above it."""
    size = ops.abs(error)
    return ops.where(size < 1, 0.5 * ops.square(error), size - 0.5)


def pixel_loss(weights: Sequence[float] | None, *, focal: float, dice: float) -> Loss:
    """Cross-entropy of the pixels that count, a mean for each picture, and Dice loss over a batch.

    Targets are (batch, height, width), answers (batch, height, width, classes), probabilities.
    """
    by_class = None if weights is None else np.asarray(weights, np.float32)

    def loss(truth: Any, answer: Any) -> Any:
        truth = ops.cast(truth, "int32")
        counts = ops.cast(ops.not_equal(truth, IGNORED), "float32")
        truth = ops.where(ops.equal(truth, IGNORED), 0, truth)
        losses = ops.sparse_categorical_crossentropy(truth, answer)
        if focal:
            losses = losses * ops.power(1 - ops.exp(-losses), focal)
        weighed = counts if by_class is None else counts * ops.take(by_class, truth)
        mean = ops.sum(losses * weighed, axis=(1, 2)) / ops.maximum(ops.sum(weighed, axis=(1, 2)), 1.0)
        return mean + dice * _dice(truth, answer, counts) if dice else mean

    return loss


def _dice(truth: Any, answer: Any, counts: Any) -> Any:
    """One less the mean over the classes of what truth and answer share, twice, in parts of what both hold."""
    wanted = ops.one_hot(truth, answer.shape[-1]) * counts[..., None]
    given = answer * counts[..., None]
    shared = ops.sum(wanted * given, axis=(0, 1, 2))
    return 1 - ops.mean((2 * shared + 1) / (ops.sum(wanted, axis=(0, 1, 2)) + ops.sum(given, axis=(0, 1, 2)) + 1))


def token_loss(truth: Any, answer: Any, *, pad: int, smoothing: float) -> Any:
    """Cross-entropy of the next tokens, a mean over those of a batch, with some of the truth spread over all tokens.

    Targets are (batch, length), `pad` where there is none; answers (batch, length, vocabulary), logits.
    """
    truth = ops.cast(truth, "int32")
    logs = ops.log_softmax(ops.cast(answer, "float32"), axis=-1)
    right = ops.squeeze(ops.take_along_axis(logs, ops.expand_dims(truth, -1), axis=-1), -1)
    losses = -((1 - smoothing) * right + smoothing * ops.mean(logs, axis=-1))
    return _over_tokens(losses, truth, pad)


def token_accuracy(truth: Any, answer: Any, *, pad: int) -> Any:
    """Share of the next tokens of a batch that are right, as for `token_loss`."""
    truth = ops.cast(truth, "int32")
    right = ops.equal(ops.cast(ops.argmax(answer, axis=-1), "int32"), truth)
    return _over_tokens(ops.cast(right, "float32"), truth, pad)


def _over_tokens(values: Any, truth: Any, pad: int) -> Any:
    """Of each text, (batch,), its part in the mean over the tokens of the batch: their mean is that."""
    counts = ops.cast(ops.not_equal(truth, pad), "float32")
    usual = ops.mean(ops.sum(counts, axis=1))
    return ops.sum(values * counts, axis=1) / ops.maximum(usual, 1.0)
