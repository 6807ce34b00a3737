from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Subwords, Task, attach_head, multi_label, regression, sequence, single_label

LABELS = ["a", "b", "c"]


def backbone() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, keras.layers.Conv2D(5, 3, trainable=False)(inputs))


def fitted(task: Task, targets: np.ndarray) -> tuple[keras.Model, dict[str, float]]:
    """A model after one step on black pictures, of which the network sees nothing, and what was logged."""
    model = attach_head(backbone(), task)
    # without a graph, which takes most of the time
    model.compile("adam", task.loss, metrics=list(task.metrics), run_eagerly=True)
    images = np.zeros((len(targets), 8, 8, 3))
    logs = model.fit(images, targets, validation_data=(images, targets), epochs=1, verbose=0).history
    return model, {key: values[0] for key, values in logs.items()}


def test_head_loss_metrics_and_monitor_agree() -> None:
    task = single_label(LABELS)
    model, logs = fitted(task, np.arange(6) % 3)
    assert 0 <= logs[task.monitor] <= 1
    assert task.mode == "max"
    # the network sees nothing in black pictures and starts from zero biases: it guesses
    assert task.chance_loss == pytest.approx(math.log(3))
    assert logs["loss"] == pytest.approx(task.chance_loss, abs=1e-4)
    assert np.sum(model(np.ones((1, 8, 8, 3)))) == pytest.approx(1, abs=1e-5)  # classes exclude each other


@pytest.mark.parametrize("make", [single_label, multi_label, partial(regression, mean=[0] * 3, deviation=[1] * 3)])
def test_what_is_chosen_reaches_the_head(make: Callable[..., Task]) -> None:
    model = attach_head(backbone(), make(LABELS, hidden=(7,), dropout=0.3, pooling="max"))
    assert [layer.name for layer in model.layers[2:5]] == ["head_pool", "head_hidden_1", "head_dropout"]
    assert isinstance(model.get_layer("head_pool"), keras.layers.GlobalMaxPooling2D)
    assert model.get_layer("head_hidden_1").units == 7
    assert model.get_layer("head_dropout").rate == 0.3


def test_a_classifier_needs_two_labels() -> None:
    with pytest.raises(ConfigError, match=r"'a'"):
        single_label(["a"])


def test_head_loss_metrics_and_monitor_of_tags_agree() -> None:
    task = multi_label(LABELS)
    model, logs = fitted(task, np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.int32))
    assert 0 <= logs[task.monitor] <= 1
    assert task.mode == "max"
    assert task.chance_loss == pytest.approx(math.log(2))
    assert logs["loss"] == pytest.approx(task.chance_loss, abs=1e-4)
    # any number of labels, so the answers of one picture need not make 1
    assert np.asarray(model(np.zeros((1, 8, 8, 3)))) == pytest.approx(0.5, abs=0.01)


def test_one_tag_is_enough() -> None:
    _, logs = fitted(multi_label(["a"]), np.array([[1], [0]], np.int32))
    assert np.isfinite(logs["val_pr_auc"])


@pytest.mark.parametrize("error", ["squared", "absolute", "huber"])
def test_head_loss_metrics_and_monitor_of_numbers_agree(error: str) -> None:
    task = regression(["kg", "m"], mean=[70, 1.7], deviation=[20, 0.1], error=error)
    # one deviation off in each quantity, as a guess that knows nothing is
    model, logs = fitted(task, np.array([[90, 1.6], [50, 1.8]], np.float32))
    assert task.mode == "min"
    assert task.monitor in logs
    assert logs["mae"] == pytest.approx((20 + 0.1) / 2, rel=1e-3)
    assert logs["loss"] == pytest.approx(task.chance_loss, rel=1e-3)
    assert model.output_shape == (None, 2)


def test_numbers_are_answered_in_units() -> None:
    model = attach_head(backbone(), regression(["kg", "m"], mean=[70, 1.7], deviation=[20, 0.1]))
    assert np.asarray(model(np.zeros((1, 8, 8, 3)))) == pytest.approx(np.array([[70, 1.7]]))
    bright = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 3))
    deviations = np.asarray(keras.Model(model.input, model.get_layer("head_deviations").output)(bright))
    assert np.asarray(model(bright)) == pytest.approx(deviations * [20, 0.1] + [70, 1.7], rel=1e-5)


@pytest.mark.parametrize(
    ("error", "losses"), [("squared", [0.25, 4.0]), ("absolute", [0.5, 2.0]), ("huber", [0.125, 1.5])]
)
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_the_loss_of_numbers_is_free_of_their_scale(error: str, losses: list[float], unit: float) -> None:
    task = regression(["a", "b"], mean=[0, 5 * unit], deviation=[2, 10 * unit], error=error)
    truth = np.array([[1, 5 * unit], [8, 25 * unit]], np.float32)
    answer = np.array([[0, 10 * unit], [12, 5 * unit]], np.float32)  # half a deviation off, then two
    assert np.asarray(task.loss(truth, answer)) == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("wrong", [{"deviation": [1, 0]}, {"deviation": [1, -1]}, {"dropout": 1.0}, {"hidden": (0,)}])
def test_what_numbers_cannot_be(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        regression(["a", "b"], **{"mean": [0, 0], "deviation": [1, 1], **wrong})


def test_tags_need_a_label() -> None:
    with pytest.raises(ConfigError):
        multi_label([])


def test_a_sequence_is_given_all_but_its_last_token_and_learns_all_but_its_first() -> None:
    pieces = Subwords(SimpleNamespace(vocabulary_size=lambda: 50))
    task = sequence(DecoderSize(), pieces, longest=8, smoothing=0.1)
    targets = np.array([[2, 5, 6, 3, 0, 0], [2, 7, 3, 0, 0, 0]])
    assert task.given(targets).tolist() == [[2, 5, 6], [2, 7, 3]]
    assert task.encode(targets).tolist() == [[5, 6, 3], [7, 3, 0]]
    assert (task.monitor, task.mode) == ("val_loss", "min")
    assert task.chance_loss == pytest.approx(np.log(50))
    with pytest.raises(ConfigError, match=r"smoothing.*\b1\b"):
        sequence(DecoderSize(), pieces, longest=8, smoothing=1.0)
