"""Losses that Keras lacks in this form: with class weights, focal, and ignoring pixels or padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from tfft.conventions import IGNORED

CERTAIN = 1e-6
"""Least distance of a probability from 1 in a focal loss with an exponent below 1."""
Loss = Callable[[Any, Any], Any]
"""From the targets and predictions of a batch to losses, as Keras expects it."""


def cross_entropy(
    weights: Sequence[float] | None, focal: float, prior: Sequence[float] | None = None, smoothing: float = 0.0
) -> Loss:
    """Returns cross-entropy for integer targets, weighted by class and, if focal, by how wrong a prediction is.

    With smoothing, so much of each target is spread over all classes (Szegedy et al. 2016, arXiv:1512.00567).

    With a prior, the logits are adjusted by its logarithm in the loss alone (Menon et al. 2021, arXiv:2007.07314), so
    that the model itself predicts as if all classes were equally frequent. Targets are then smoothed by the prior:
    spread evenly, 0.1 would let the model predict a class of 2 % for every example of the other class.
    """
    by_class = None if weights is None else np.asarray(weights, np.float32)
    shares = None if prior is None else np.asarray(prior, np.float32)

    def loss(truth: Any, predictions: Any) -> Any:
        truth = ops.cast(truth, "int32")
        losses = ops.sparse_categorical_crossentropy(truth, predictions)
        if smoothing and not focal:  # the focal loss needs the probability of the truth
            classes = predictions.shape[-1]
            spread = 1 / classes if shares is None else shares
            smooth = (1 - smoothing) * ops.one_hot(truth, classes) + smoothing * spread
            losses = ops.categorical_crossentropy(smooth, predictions)
        if shares is not None:
            losses = losses + _adjustment(truth, predictions, shares)
        if focal:
            losses = losses * _wrongness(losses, focal)
        return losses if by_class is None else losses * ops.take(by_class, truth)

    return loss


def _adjustment(truth: Any, predictions: Any, prior: np.ndarray) -> Any:
    """What adding log(prior) to the logits adds to the cross-entropy, from the probabilities without it."""
    return ops.log(ops.sum(predictions * prior, axis=-1)) - ops.take(np.log(prior), truth)


def _wrongness(losses: Any, focal: float) -> Any:
    """The factor of the focal loss, (1 - p) ** focal, for the cross-entropy of p, the probability of the truth."""
    wrong = 1 - ops.exp(-losses)
    # below an exponent of 1 its slope at 0 is infinite
    return ops.power(ops.maximum(wrong, CERTAIN) if focal < 1 else wrong, focal)


def binary_cross_entropy(weights: Sequence[float] | None, focal: float, prior: Sequence[float] | None = None) -> Loss:
    """Returns binary cross-entropy, weighted where a label is present and, if focal, by how wrong a prediction is.

    A prior, the share of examples that have a label, adjusts the logits as in `cross_entropy`.
    """
    by_label = np.float32(1) if weights is None else np.asarray(weights, np.float32)

    def loss(truth: Any, predictions: Any) -> Any:
        truth = ops.cast(truth, "float32")
        losses = ops.binary_crossentropy(truth, predictions)
        if prior is not None:
            share = np.asarray(prior, np.float32)
            of_truth = truth * share + (1 - truth) * (1 - share)
            losses = losses + ops.log(predictions * share + (1 - predictions) * (1 - share)) - ops.log(of_truth)
        if focal:
            losses = losses * _wrongness(losses, focal)
        return ops.mean(losses * (1 + (by_label - 1) * truth), axis=-1)

    return loss


def huber(error: Any) -> Any:
    """Half the square of an error below 1, its absolute value minus a half above."""
    size = ops.abs(error)
    return ops.where(size < 1, 0.5 * ops.square(error), size - 0.5)


def pixel_loss(
    weights: Sequence[float] | None, *, focal: float, dice: float, prior: Sequence[float] | None = None
) -> Loss:
    """Returns cross-entropy, a mean over the pixels of each picture, plus the Dice loss of the batch; ignores pixels of
    class 255.

    Targets are (batch, height, width), predictions (batch, height, width, classes), probabilities.
    """
    by_class = None if weights is None else np.asarray(weights, np.float32)

    def loss(truth: Any, predictions: Any) -> Any:
        truth = ops.cast(truth, "int32")
        counts = ops.cast(ops.not_equal(truth, IGNORED), "float32")
        truth = ops.where(ops.equal(truth, IGNORED), 0, truth)
        losses = ops.sparse_categorical_crossentropy(truth, predictions)
        if prior is not None:
            losses = losses + _adjustment(truth, predictions, np.asarray(prior, np.float32))
        if focal:
            losses = losses * _wrongness(losses, focal)
        pixel_weights = counts if by_class is None else counts * ops.take(by_class, truth)
        mean = ops.sum(losses * pixel_weights, axis=(1, 2)) / ops.maximum(ops.sum(pixel_weights, axis=(1, 2)), 1.0)
        return mean + dice * _dice(truth, predictions, counts) if dice else mean

    return loss


def _dice(truth: Any, predictions: Any, counts: Any) -> Any:
    """One minus the mean Dice coefficient of the classes: twice the intersection over the sum of both areas."""
    truth = ops.one_hot(truth, predictions.shape[-1]) * counts[..., None]
    predictions = predictions * counts[..., None]
    shared = ops.sum(truth * predictions, axis=(0, 1, 2))
    sizes = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(predictions, axis=(0, 1, 2))
    return 1 - ops.mean((2 * shared + 1) / (sizes + 1))


def token_loss(truth: Any, answer: Any, *, pad: int, smoothing: float) -> Any:
    """Cross-entropy of the next tokens with label smoothing; its mean is that over the tokens of the batch.

    Targets are (batch, length), padded with `pad`; predictions (batch, length, vocabulary), logits.
    """
    truth = ops.cast(truth, "int32")
    logs = ops.log_softmax(ops.cast(answer, "float32"), axis=-1)
    right = ops.squeeze(ops.take_along_axis(logs, ops.expand_dims(truth, -1), axis=-1), -1)
    losses = -((1 - smoothing) * right + smoothing * ops.mean(logs, axis=-1))
    return _over_tokens(losses, truth, pad)


def token_accuracy(truth: Any, answer: Any, *, pad: int) -> Any:
    """Share of the next tokens of a batch that are predicted correctly, with the arguments of `token_loss`."""
    truth = ops.cast(truth, "int32")
    right = ops.equal(ops.cast(ops.argmax(answer, axis=-1), "int32"), truth)
    return _over_tokens(ops.cast(right, "float32"), truth, pad)


def _over_tokens(values: Any, truth: Any, pad: int) -> Any:
    """Values of each text, (batch,), whose mean is the mean over the tokens of the batch."""
    counts = ops.cast(ops.not_equal(truth, pad), "float32")
    usual = ops.mean(ops.sum(counts, axis=1))
    return ops.sum(values * counts, axis=1) / ops.maximum(usual, 1.0)
