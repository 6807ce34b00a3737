"""Losses and metrics for pairs of targets, as mixup makes them, beside those for plain targets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras

from tfft.models.losses import Loss


def loss_of_pairs(loss: str | Loss, shape: tuple[int, ...]) -> Loss:
    """Returns the loss that mixes the losses of both targets of a pair by its share; plain targets have theirs.

    For cross-entropy, that is the loss of the mixed target.

    Args:
        loss: For plain targets.
        shape: Of a plain target; () for the index of a class.
    """
    single = keras.losses.get(loss)

    def mixed(truth: Any, predictions: Any) -> Any:
        losses = [
            single(target, predictions) if share is None else share * single(target, predictions)
            for target, share in _parts(truth, shape)
        ]
        return sum(losses)

    return mixed


class MetricOfPairs(keras.metrics.Metric):
    """A metric that counts both targets of a pair by their shares, and plain targets as they are.

    Args:
        metric: For plain targets; it holds the state.
        shape: Of a plain target; () for the index of a class.
    """

    def __init__(self, metric: keras.metrics.Metric, shape: tuple[int, ...]):
        super().__init__(name=metric.name)
        self.metric, self.shape = metric, shape

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        for target, share in _parts(y_true, self.shape):
            self.metric.update_state(target, y_pred, sample_weight=sample_weight if share is None else share)

    def result(self) -> Any:
        return self.metric.result()

    def reset_state(self) -> None:
        self.metric.reset_state()


def _parts(truth: Any, shape: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
    """Yields targets, (batch, *shape), and their shares: both of a pair, or plain targets and None."""
    numbers = math.prod(shape)
    if len(truth.shape) != 2 or truth.shape[1] != 2 * numbers + 1:
        yield truth, None
        return
    first, second, share = truth[:, :numbers], truth[:, numbers:-1], truth[:, -1]
    for target, part in ((first, share), (second, 1 - share)):
        yield (target if shape else target[:, 0]), part
