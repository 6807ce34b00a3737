from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.conventions import IGNORED
from tfft.errors import ConfigError
from tfft.models import pixel_labels, pixel_maps

Guesses = Callable[..., tuple[np.ndarray, np.ndarray]]
LABELS = ["sky", "road", "car"]
SIZE = (32, 48)


def backbone(size: tuple[int, int] = SIZE) -> keras.Model:
    """Maps at strides of 2, 4, 8, 16 and 32."""
    inputs = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for _ in range(5):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    model = keras.Model(inputs, x)
    model.trainable = False
    return model


def segmenter(size: tuple[int, int] = SIZE) -> keras.Model:
    """A backbone, and the way up behind it."""
    network = backbone(size)
    return keras.Model(network.inputs[0], pixel_maps(network, LABELS))


def test_head_loss_metrics_and_monitor_agree(guesses: Guesses) -> None:
    task = pixel_labels(LABELS, SIZE, weights=[1.0, 2.0, 3.0], focal=2.0, dice=1.0)
    model = segmenter()
    assert model.output_shape == (None, *SIZE, 3)
    task.check(model)
    # without a graph, which takes most of the time
    model.compile("adam", task.loss, metrics=list(task.metrics), run_eagerly=True)
    truth, _ = guesses(0, SIZE)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3))
    logs = model.fit(pixels, truth, validation_data=(pixels, truth), epochs=1, verbose=0).history
    assert 0 <= logs[task.monitor][0] <= 1
    assert task.mode == "max"
    assert np.isfinite(logs["loss"][0])
    answers = np.asarray(model(pixels))
    assert answers.sum(axis=-1) == pytest.approx(1, abs=1e-5)


def test_a_guess_that_knows_nothing(guesses: Guesses) -> None:
    truth, _ = guesses(1)
    nothing = np.full((*truth.shape, 3), 1 / 3, np.float32)
    task = pixel_labels(LABELS, SIZE)
    assert task.chance_loss == pytest.approx(math.log(3))
    assert np.asarray(task.loss(truth, nothing)) == pytest.approx(task.chance_loss, rel=1e-5)
    task = pixel_labels(LABELS, SIZE, dice=0.5)
    assert math.log(3) < np.mean(task.loss(truth, nothing)) < task.chance_loss


# also sizes that are no multiple of the strides
@pytest.mark.parametrize("size", [(48, 80), (50, 70)])
def test_answers_are_as_large_as_the_picture(size: tuple[int, int]) -> None:
    model = segmenter(size)
    assert model.output_shape == (None, *size, 3)
    pixel_labels(LABELS, size).check(model)
    with pytest.raises(ConfigError, match=rf"(?=.*{size[0]}, {size[1]}, 3)(?=.*{size[0]}, {size[1]}, 2)"):
        pixel_labels(LABELS[:2], size).check(model)


def test_the_head_trains_through_every_scale(guesses: Guesses) -> None:
    task, model = pixel_labels(LABELS, SIZE), segmenter()
    pixels = tf.constant(np.random.default_rng(2).uniform(0, 255, (1, *SIZE, 3)), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(task.loss(guesses(2, SIZE, 1)[0], model(pixels, training=True)))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert len(gradients) > 8
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path


def test_ignored_pixels_change_no_metric(guesses: Guesses) -> None:
    truth, answers = guesses(4)
    others = answers.copy()
    others[truth == IGNORED] = [0.0, 1.0, 0.0]
    found = []
    for given in (answers, others):
        (metric,) = pixel_labels(LABELS, SIZE).metrics
        metric.update_state(truth, given)
        found.append(float(metric.result()))
    said, known = answers.argmax(-1), truth != IGNORED
    by_hand = [
        ((said == c) & (truth == c)).sum() / (((said == c) | (truth == c)) & known).sum() for c in range(len(LABELS))
    ]
    assert found == pytest.approx([np.mean(by_hand)] * 2)


def test_probabilities_stay_float32_in_half_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = segmenter()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output.dtype == "float32"


def test_what_cannot_be() -> None:
    with pytest.raises(ConfigError, match="sky"):
        pixel_labels(["sky"], SIZE)
