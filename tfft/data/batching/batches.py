"""The batches of a pass."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfft.data.batching.layout import Layout
from tfft.data.batching.order import epoch_order, fetched_together
from tfft.data.indexing import Indexable


def training_batches(
    rows_of: Callable[[int], Indexable],
    targets_of: Callable[[int], Indexable],
    layout: Layout,
    *,
    count: int,
    batch_size: int,
    seed: int,
    epochs: range,
    chances: np.ndarray | None = None,
    widths: np.ndarray | None = None,
    prepare: Prepare | None = None,
) -> tf.data.Dataset:
    """Batches of several epochs, one after the other; the last batch of each may be smaller.

    Args:
        rows_of: Gives what an epoch, by its number, trains on: indexable by positions.
        targets_of: Gives the targets of an epoch: indexable by positions.
        layout: Of the rows.
        count: Examples in an epoch.
        batch_size: Examples in a batch.
        seed: With the number of an epoch, decides its order.
        epochs: Numbers of the epochs.
        chances: As for `epoch_order`, and so are `widths`.
        widths: Of texts.
        prepare: From the targets of a batch to what the model is given of them, and what the loss takes.

    Returns:
        A data set of pairs: a tensor or a tuple of them, (batch, ...) each, and targets, (batch, ...).
    """

    steps = math.ceil(count / batch_size)

    def order_of(epoch: int) -> np.ndarray:
        return epoch_order(count, seed, epoch, chances, widths=widths, group=fetched_together(batch_size))

    reader = _Reader(rows_of, targets_of, layout, order_of, count, batch_size, prepare)
    return _dataset(reader, range(epochs.start * steps, epochs.stop * steps))


def evaluation_batches(
    rows: Indexable,
    targets: Indexable,
    layout: Layout,
    *,
    order: np.ndarray,
    batch_size: int,
    prepare: Prepare | None = None,
) -> tf.data.Dataset:
    """Every example once, in the order of `evaluation_order`; the last batch may be smaller."""
    count = len(order)
    reader = _Reader(lambda _: rows, lambda _: targets, layout, lambda _: order, count, batch_size, prepare)
    return _dataset(reader, range(math.ceil(count / batch_size)))


Prepare = Callable[[np.ndarray], tuple[tuple[np.ndarray, ...], np.ndarray]]


def _as_they_are(targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    return (), targets


class _Reader:
    """Batches by their number, counted over all epochs.

    Rows of several batches are fetched at once and kept until they are used, since what computes them works on
    `TOGETHER` at a time.
    """

    def __init__(
        self,
        rows_of: Callable[[int], Indexable],
        targets_of: Callable[[int], Indexable],
        layout: Layout,
        order_of: Callable[[int], np.ndarray],
        count: int,
        batch_size: int,
        prepare: Prepare | None,
    ):
        self.rows_of, self.targets_of, self.layout, self.order_of = rows_of, targets_of, layout, order_of
        self.prepare = prepare or _as_they_are
        self.batch_size = batch_size
        self.steps = math.ceil(count / batch_size)
        self.group = fetched_together(batch_size)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))
        self._fetched: tuple[tuple[int, int], np.ndarray] = ((-1, -1), np.empty(0))

    def batch(self, number: np.int64) -> list[np.ndarray]:
        """The tensors of a batch, what the model is given of its targets, then these."""
        epoch, step = divmod(int(number), self.steps)
        if self._order[0] != epoch:
            self._order = (epoch, self.order_of(epoch))
        start = step * self.batch_size
        first = start // self.group * self.group
        if self._fetched[0] != (epoch, first):
            self._fetched = ((epoch, first), self.rows_of(epoch)[self._order[1][first : first + self.group]])
        rows = self._fetched[1][start - first : start - first + self.batch_size]
        targets = self.targets_of(epoch)[self._order[1][start : start + self.batch_size]]
        given, wanted = self.prepare(targets)
        return [*self.layout.unpack(rows), *given, wanted]


def _dataset(reader: _Reader, numbers: range) -> tf.data.Dataset:
    """The batches of some numbers. Not `from_generator`, which makes the whole process give memory back eagerly."""
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune, and the end of an iterator waits seconds for the tuner
    given, wanted = reader.prepare(reader.targets_of(numbers.start // reader.steps)[np.array([0])])
    # what a model is given of its targets are texts, and they too as long as the longest of a batch
    others = [*given, wanted]
    shapes = [*reader.layout.shapes, *((None,) if given else one.shape[1:] for one in others)]
    dtypes = [*(reader.layout.read_as for _ in reader.layout.shapes), *(one.dtype for one in others)]

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert, which takes longer than to trace
    def read(number: tf.Tensor) -> tuple:
        *tensors, targets = [
            tf.ensure_shape(tensor, (None, *shape))
            for tensor, shape in zip(tf.numpy_function(reader.batch, [number], dtypes), shapes, strict=True)
        ]
        return tensors[0] if len(tensors) == 1 else tuple(tensors), targets

    return tf.data.Dataset.range(numbers.start, numbers.stop).map(read).prefetch(2).with_options(options)
