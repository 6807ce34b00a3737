from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import attach_head, single_label

LABELS = ["a", "b", "c"]


def backbone() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, keras.layers.Conv2D(5, 3, trainable=False)(inputs))


def test_head_loss_metrics_and_monitor_agree() -> None:
    task = single_label(LABELS)
    model = attach_head(backbone(), task)
    model.compile("adam", task.loss, metrics=list(task.metrics))
    images, targets = np.zeros((6, 8, 8, 3)), np.arange(6) % 3
    logs = model.fit(images, targets, validation_data=(images, targets), epochs=1, verbose=0).history
    assert task.monitor in logs
    assert 0 <= logs[task.monitor][0] <= 1
    assert task.mode == "max"
    # the network sees nothing in black pictures and starts from zero biases: it guesses
    assert task.chance_loss == pytest.approx(math.log(3))
    assert logs["loss"][0] == pytest.approx(task.chance_loss, abs=1e-4)


def test_hidden_layers_and_dropout_stand_where_they_are_said_to() -> None:
    model = attach_head(backbone(), single_label(LABELS, hidden=(7, 6), dropout=0.3))
    assert [layer.name for layer in model.layers[2:]] == [
        "head_pool",
        "head_hidden_1",
        "head_hidden_2",
        "head_dropout",
        "head_predictions",
    ]
    assert model.get_layer("head_hidden_2").units == 6
    assert model.get_layer("head_dropout").rate == 0.3
    assert model.output_shape == (None, 3)


def test_features_that_are_pooled_already() -> None:
    inputs = keras.Input((8,))
    pooled = keras.Model(inputs, keras.layers.Dense(4)(inputs))
    assert attach_head(pooled, single_label(LABELS)).output_shape == (None, 3)


def test_features_in_a_row_are_pooled() -> None:
    inputs = keras.Input((8, 8, 3))
    tokens = keras.Model(inputs, keras.layers.Reshape((64, 3), name="dropout")(inputs))
    assert attach_head(tokens, single_label(LABELS, dropout=0.1)).output_shape == (None, 3)


def test_probabilities_stay_float32_in_half_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = attach_head(backbone(), single_label(LABELS))
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output.dtype == "float32"


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"dropout": -0.1}, {"hidden": (0,)}, {"labels": ["a"]}])
def test_what_cannot_be(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        single_label(**{"labels": LABELS, **wrong})
