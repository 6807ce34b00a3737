from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.models.folding import folded
from tfft.models.grouped import Grouped
from tfft.models.pixel_iou import PixelIoU


@pytest.mark.parametrize("options", [{"groups": 2}, {"groups": 6, "epsilon": 0.1}, {"groups": 1, "scale": False}])
def test_values_and_gradients_are_those_of_keras(options: dict) -> None:
    inputs = keras.Input((None, 5, 6))
    norm = keras.layers.GroupNormalization(**options)
    model = keras.Model(inputs, norm(inputs))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    x, above = (tf.constant(rng.normal(1.0, 2.0, (3, 4, 5, 6)), tf.float32) for _ in range(2))
    quick = folded(model)
    assert any(isinstance(layer, Grouped) for layer in quick.layers)
    assert [id(weight) for weight in quick.weights] == [id(weight) for weight in model.weights]
    results = []
    for network in (model, quick):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = network(x, training=True)
            total = tf.reduce_sum(outputs * above)
        results.append([outputs, *tape.gradient(total, [x, *(weight.value for weight in model.weights)])])
    for theirs, ours in zip(*results, strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-4, abs=1e-5)


def test_pixels_are_counted_as_keras_does() -> None:
    ours = PixelIoU(3, ignore_class=255, name="iou")
    theirs = keras.metrics.MeanIoU(3, ignore_class=255, sparse_y_pred=False)
    rng = np.random.default_rng(0)
    for count in (4, 2):
        truth = rng.choice([0, 1, 2, 255], (count, 7, 5)).astype(np.uint8)
        answers = rng.random((count, 7, 5, 3)).astype(np.float32)
        for metric in (ours, theirs):
            metric.update_state(truth, answers)
    assert np.array_equal(ours.total_cm, theirs.total_cm)
    assert float(ours.result()) == float(theirs.result()) > 0
