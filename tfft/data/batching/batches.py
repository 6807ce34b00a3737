"""The batches of a pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfft.data.batching.layout import Layout
from tfft.data.batching.order import fetched_together
from tfft.data.indexing import Indexable

Prepare = Callable[[np.ndarray], tuple[tuple[np.ndarray, ...], np.ndarray]]
"""From the targets of a batch to what the model is given of them, and what the loss takes."""


def _as_they_are(targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    return (), targets


@dataclass(frozen=True)
class Feed:
    """What the batches of several epochs are read from."""

    rows_of: Callable[[int], Indexable]
    """Gives what an epoch, by its number, trains on: indexable by positions."""
    targets_of: Callable[[int], Indexable]
    """Gives the targets of an epoch: indexable by positions."""
    order_of: Callable[[int], np.ndarray]
    """Gives the order of an epoch: positions, (examples,)."""
    layout: Layout
    """Of the rows."""
    batch_size: int
    prepare: Prepare = _as_they_are


def training_batches(feed: Feed, *, count: int, epochs: range) -> tf.data.Dataset:
    """Batches of several epochs, one after the other; the last batch of each may be smaller.

    Args:
        feed: What they are read from.
        count: Examples in an epoch.
        epochs: Numbers of the epochs.

    Returns:
        A data set of pairs: a tensor or a tuple of them, (batch, ...) each, and targets, (batch, ...).
    """
    steps = math.ceil(count / feed.batch_size)
    return _dataset(_Reader(feed, steps), range(epochs.start * steps, epochs.stop * steps))


def evaluation_batches(
    rows: Indexable,
    targets: Indexable,
    layout: Layout,
    *,
    order: np.ndarray,
    batch_size: int,
    prepare: Prepare = _as_they_are,
) -> tf.data.Dataset:
    """Every example once, in the given order; the last batch may be smaller."""
    steps = math.ceil(len(order) / batch_size)
    feed = Feed(lambda _: rows, lambda _: targets, lambda _: order, layout, batch_size, prepare)
    return _dataset(_Reader(feed, steps), range(steps))


class _Reader:
    """Batches by their number, counted over all epochs.

    Rows of several batches are fetched at once and kept until they are used, since what computes them works on
    `TOGETHER` at a time.
    """

    def __init__(self, feed: Feed, steps: int):
        self.feed, self.steps = feed, steps
        self.group = fetched_together(feed.batch_size)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))
        self._fetched: tuple[tuple[int, int], np.ndarray] = ((-1, -1), np.empty(0))

    def batch(self, number: np.int64) -> list[np.ndarray]:
        """The tensors of a batch, what the model is given of its targets, then these."""
        feed = self.feed
        epoch, step = divmod(int(number), self.steps)
        if self._order[0] != epoch:
            self._order = (epoch, feed.order_of(epoch))
        start = step * feed.batch_size
        first = start // self.group * self.group
        if self._fetched[0] != (epoch, first):
            self._fetched = ((epoch, first), feed.rows_of(epoch)[self._order[1][first : first + self.group]])
        rows = self._fetched[1][start - first : start - first + feed.batch_size]
        targets = feed.targets_of(epoch)[self._order[1][start : start + feed.batch_size]]
        given, wanted = feed.prepare(targets)
        return [*feed.layout.unpack(rows), *given, wanted]


def _dataset(reader: _Reader, numbers: range) -> tf.data.Dataset:
    """The batches of some numbers. Not `from_generator`, which makes the whole process give memory back eagerly."""
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune, and the end of an iterator waits seconds for the tuner
    feed = reader.feed
    given, wanted = feed.prepare(feed.targets_of(numbers.start // reader.steps)[np.array([0])])
    # what a model is given of its targets are texts, and they too as long as the longest of a batch
    others = [*given, wanted]
    shapes = [*feed.layout.shapes, *((None,) if given else one.shape[1:] for one in others)]
    dtypes = [*(feed.layout.read_as for _ in feed.layout.shapes), *(one.dtype for one in others)]

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert, which takes longer than to trace
    def read(number: tf.Tensor) -> tuple:
        *tensors, targets = [
            tf.ensure_shape(tensor, (None, *shape))
            for tensor, shape in zip(tf.numpy_function(reader.batch, [number], dtypes), shapes, strict=True)
        ]
        return tensors[0] if len(tensors) == 1 else tuple(tensors), targets

    return tf.data.Dataset.range(numbers.start, numbers.stop).map(read).prefetch(2).with_options(options)
