"""The order of an epoch and the batches of a pass.

Pictures are decoded before they get here (`reading`), so the order is: cached, shuffled, augmented, batched.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfft.data.augment import Augmentation, augmenter, example_key
from tfft.data.examples import Examples


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the examples in one epoch, (count,), int64: a function of the arguments alone."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def training_batches(
    examples: Examples, *, batch_size: int, seed: int, epochs: range, augment: Augmentation = "none"
) -> tf.data.Dataset:
    """Batches of several epochs, one after the other; the last batch of each may be smaller.

    Args:
        examples: What to train on; its pictures are kept as they are, uint8.
        batch_size: Examples in a batch.
        seed: Decides, with the number of the epoch, the order, and with the content of a picture how it is
            augmented.
        epochs: Numbers of the epochs.
        augment: `"none"`, `"light"` or `"strong"`.

    Returns:
        A data set of pairs: pictures, (batch, height, width, 3), in [0, 255], and targets, (batch,).
    """
    keys = np.array([int(digest[:7], 16) for digest in examples.ids], np.int32)
    change = None if augment == "none" else augmenter(augment)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.numpy_function(lambda e: epoch_order(len(examples), seed, int(e)), [epoch], tf.int64)
        rows = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (len(examples),))).batch(batch_size)
        if change is None:
            return rows.map(lambda rows: _take(examples, rows))

        def changed(image: tf.Tensor, target: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return change(image, example_key(seed, epoch, key)), target

        return (
            rows.map(lambda rows: (*_take(examples, rows), tf.gather(keys, rows)))
            .unbatch()
            .map(changed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .batch(batch_size)
        )

    # batched inside each epoch, so that no batch joins the end of one with the start of the next
    return tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch).prefetch(2)


def evaluation_batches(examples: Examples, *, batch_size: int) -> tf.data.Dataset:
    """Every example once, in its own order, unaugmented; the last batch may be smaller."""
    return tf.data.Dataset.range(len(examples)).batch(batch_size).map(lambda rows: _take(examples, rows)).prefetch(2)


def _take(examples: Examples, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pictures and targets of some rows; the pictures stay in numpy, since a constant would copy them all."""
    images = tf.numpy_function(lambda index: examples.inputs[index], [rows], tf.uint8)
    return tf.ensure_shape(images, (None, *examples.inputs.shape[1:])), tf.gather(examples.targets, rows)
