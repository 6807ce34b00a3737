"""The mean intersection over union of pixels, counted in one pass."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class PixelIoU(keras.metrics.MeanIoU):
    """Keras's `MeanIoU` of probabilities, (..., classes), with its arguments `num_classes`, `ignore_class` and `name`.

    Keras scatters a one for each pixel into the confusion matrix, in a single thread: a tenth of a training step of
    `pixel_maps`. Here pairs of classes are counted.
    """

    def __init__(self, num_classes: int, *, ignore_class: int, name: str):
        super().__init__(num_classes, ignore_class=ignore_class, sparse_y_pred=False, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: None = None) -> None:
        """Counts the pixels of a batch: classes, (...), and probabilities, (..., classes)."""
        truth, pairs = tf.cast(y_true, tf.int32), self.num_classes**2
        pair = truth * self.num_classes + tf.argmax(y_pred, -1, tf.int32)
        pair = tf.where(truth == self.ignore_class, pairs, pair)
        counts = tf.math.bincount(tf.reshape(pair, [-1]), minlength=pairs + 1, maxlength=pairs + 1)[:pairs]
        self.total_cm.assign_add(tf.cast(tf.reshape(counts, [self.num_classes] * 2), self.dtype))
