"""Batches for training and evaluation."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfft.data.batching.layout import Layout
from tfft.data.batching.mixing import Mixing
from tfft.data.batching.order import fetched_together
from tfft.data.indexing import Indexable

Prepare = Callable[[np.ndarray], tuple[tuple[np.ndarray, ...], np.ndarray]]
"""From the targets of a batch to further inputs of the model (teacher forcing) and the targets of the loss."""


def _unchanged(targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    return (), targets


@dataclass(frozen=True)
class Feed:
    """The sources of the batches of several epochs."""

    rows_of: Callable[[int], Indexable]
    """Returns the input rows of an epoch, given its number; indexable by positions."""
    targets_of: Callable[[int], Indexable]
    """Returns the targets of an epoch, indexable by positions."""
    order_of: Callable[[int], np.ndarray]
    """Returns the order of an epoch: positions, (examples,)."""
    layout: Layout
    """Layout of the rows."""
    batch_size: int
    prepare: Prepare = _unchanged
    mix: Mixing | None = None
    """How the examples of a batch are mixed; only for targets that are no inputs."""


def training_batches(feed: Feed, *, count: int, epochs: range, start: int = 0) -> tf.data.Dataset:
    """Batches of several consecutive epochs; the last batch of each epoch may be smaller.

    Args:
        feed: The sources of the batches.
        count: Number of examples in an epoch.
        epochs: Numbers of the epochs.
        start: Number of batches of the first epoch to leave out.

    Returns:
        A dataset of pairs: a tensor or a tuple of tensors, (batch, ...) each, and targets, (batch, ...).
    """
    steps = math.ceil(count / feed.batch_size)
    return _dataset(_Reader(feed, steps), range(epochs.start * steps + start, epochs.stop * steps))


def evaluation_batches(
    rows: Indexable,
    targets: Indexable,
    layout: Layout,
    *,
    order: np.ndarray,
    batch_size: int,
    prepare: Prepare = _unchanged,
) -> tf.data.Dataset:
    """Batches of every example once, in the given order; the last batch may be smaller."""
    steps = math.ceil(len(order) / batch_size)
    feed = Feed(lambda _: rows, lambda _: targets, lambda _: order, layout, batch_size, prepare)
    return _dataset(_Reader(feed, steps), range(steps))


class _Reader:
    """Reads batches by number, counted over all epochs.

    The rows of several batches are fetched at once and kept until they are used, because they may be computed in
    groups of `TOGETHER`.
    """

    def __init__(self, feed: Feed, steps: int):
        self.feed, self.steps = feed, steps
        self.group = fetched_together(feed.batch_size)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))
        self._fetched: tuple[tuple[int, int], np.ndarray] = ((-1, -1), np.empty(0))

    def batch(self, number: np.int64) -> list[np.ndarray]:
        """The input tensors of a batch, further inputs made from its targets, and the targets."""
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
        from_targets, expected = feed.prepare(targets)
        tensors = feed.layout.unpack(rows)
        if feed.mix is not None:
            tensors, expected = feed.mix(epoch, step, tensors, expected)
        return [*tensors, *from_targets, expected]


def _dataset(reader: _Reader, numbers: range) -> tf.data.Dataset:
    """A dataset of the batches with the given numbers.

    Not `from_generator`, which makes the whole process release memory eagerly. `numpy_function` keeps what it calls for
    good: it gets a weak reference, and the dataset itself keeps the rows.
    """
    options = tf.data.Options()
    options.autotune.enabled = False  # there is nothing to tune, and an iterator waits seconds for the tuner at its end
    feed = reader.feed
    from_targets, expected = feed.prepare(feed.targets_of(numbers.start // reader.steps)[np.array([0])])
    read_as = feed.layout.read_as
    if feed.mix is not None:
        sample = [np.zeros((1, *(side or 1 for side in shape)), read_as) for shape in feed.layout.shapes]
        read_as, expected = "float32", feed.mix(0, 0, sample, expected)[1]
    # targets that are also inputs are texts, each batch as long as its longest text
    arrays = [*from_targets, expected]
    shapes = [*feed.layout.shapes, *((None,) if from_targets else array.shape[1:] for array in arrays)]
    dtypes = [*(read_as for _ in feed.layout.shapes), *(array.dtype for array in arrays)]

    alive = weakref.ref(reader)

    def batch(number: np.int64) -> list[np.ndarray]:
        return alive().batch(number)

    @tf.autograph.experimental.do_not_convert  # conversion would change nothing and take longer than tracing
    def read(number: tf.Tensor) -> tuple:
        *tensors, targets = [
            tf.ensure_shape(tensor, (None, *shape))
            for tensor, shape in zip(tf.numpy_function(batch, [number], dtypes), shapes, strict=True)
        ]
        return tensors[0] if len(tensors) == 1 else tuple(tensors), targets

    batches = tf.data.Dataset.range(numbers.start, numbers.stop).map(read).prefetch(2).with_options(options)
    batches.reader = reader
    return batches
