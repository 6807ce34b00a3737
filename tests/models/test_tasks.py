from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.evaluation import average_precisions
from tfft.models import Subwords, Task, multi_label, regression, sequence, single_label

LABELS = ["a", "b", "c"]


def network(*units: int, activation: object = None, last: keras.layers.Layer | None = None) -> keras.Model:
    """From pictures to an output for each number of units."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 3, trainable=False)(inputs))
    outputs = [keras.layers.Dense(count, activation=activation, name=f"dense_of_{count}")(x) for count in units]
    return keras.Model(inputs, [last(one) for one in outputs] if last else outputs, name="mine")


def fitted(task: Task, model: keras.Model, targets: np.ndarray) -> dict[str, float]:
    """What is logged of one step on black pictures, of which the network sees nothing."""
    task.check(model)
    # without a graph, which takes most of the time
    model.compile("adam", task.loss, metrics=list(task.metrics), run_eagerly=True)
    images = np.zeros((len(targets), 8, 8, 3))
    logs = model.fit(images, targets, validation_data=(images, targets), epochs=1, verbose=0).history
    return {key: values[0] for key, values in logs.items()}


def test_loss_metrics_and_monitor_agree() -> None:
    task = single_label(LABELS)
    logs = fitted(task, network(3, activation="softmax"), np.arange(6) % 3)
    assert 0 <= logs[task.monitor] <= 1
    assert task.mode == "max"
    # the network sees nothing in black pictures and starts from zero biases: it guesses
    assert task.chance_loss == pytest.approx(math.log(3))
    assert logs["loss"] == pytest.approx(task.chance_loss, abs=1e-4)


def test_a_classifier_needs_two_labels() -> None:
    with pytest.raises(ConfigError, match=r"'a'"):
        single_label(["a"])


def test_loss_metrics_and_monitor_of_tags_agree() -> None:
    task = multi_label(LABELS, score=average_precisions)
    targets = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.int32)
    logs = fitted(task, network(3, activation="sigmoid"), targets)
    assert (task.monitor, task.mode) == ("val_average_precision", "max")
    assert (multi_label(LABELS).monitor, multi_label(LABELS).mode) == ("val_loss", "min")
    assert task.chance_loss == pytest.approx(math.log(2))
    assert logs["loss"] == pytest.approx(task.chance_loss, abs=1e-4)


def test_one_tag_is_enough() -> None:
    logs = fitted(multi_label(["a"]), network(1, activation="sigmoid"), np.array([[1], [0]], np.int32))
    assert np.isfinite(logs["val_loss"])


@pytest.mark.parametrize("error", ["squared", "absolute", "huber"])
def test_loss_metrics_and_monitor_of_numbers_agree(error: str) -> None:
    task = regression(["kg", "m"], deviation=[20, 0.1], error=error)
    in_units = keras.layers.Rescaling([20, 0.1], offset=[70, 1.7])
    # one deviation off in each quantity, as a guess that knows nothing is
    logs = fitted(task, network(2, last=in_units), np.array([[90, 1.6], [50, 1.8]], np.float32))
    assert task.mode == "min"
    assert task.monitor in logs
    assert logs["mae"] == pytest.approx((20 + 0.1) / 2, rel=1e-3)
    assert logs["loss"] == pytest.approx(task.chance_loss, rel=1e-3)


@pytest.mark.parametrize(
    ("error", "losses"), [("squared", [0.25, 4.0]), ("absolute", [0.5, 2.0]), ("huber", [0.125, 1.5])]
)
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_the_loss_of_numbers_is_free_of_their_scale(error: str, losses: list[float], unit: float) -> None:
    task = regression(["a", "b"], deviation=[2, 10 * unit], error=error)
    truth = np.array([[1, 5 * unit], [8, 25 * unit]], np.float32)
    answer = np.array([[0, 10 * unit], [12, 5 * unit]], np.float32)  # half a deviation off, then two
    assert np.asarray(task.loss(truth, answer)) == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("deviation", [[1, 0], [1, -1]])
def test_what_numbers_cannot_be(deviation: list[float]) -> None:
    with pytest.raises(ConfigError, match="deviation"):
        regression(["a", "b"], deviation=deviation)


def test_tags_need_a_label() -> None:
    with pytest.raises(ConfigError):
        multi_label([])


def test_a_sequence_is_given_all_but_its_last_token_and_learns_all_but_its_first() -> None:
    pieces = Subwords(SimpleNamespace(vocabulary_size=lambda: 50))
    task = sequence(pieces, longest=8, smoothing=0.1)
    targets = np.array([[2, 5, 6, 3, 0, 0], [2, 7, 3, 0, 0, 0]])
    assert task.given(targets).tolist() == [[2, 5, 6], [2, 7, 3]]
    assert task.encode(targets).tolist() == [[5, 6, 3], [7, 3, 0]]
    assert (task.monitor, task.mode) == ("val_loss", "min")
    assert task.chance_loss == pytest.approx(np.log(50))
    with pytest.raises(ConfigError, match=r"smoothing.*\b1\b"):
        sequence(pieces, longest=8, smoothing=1.0)


ONE, TAGS = partial(single_label, LABELS), partial(multi_label, LABELS)
NUMBERS = partial(regression, LABELS, deviation=[1, 1, 1])


@pytest.mark.parametrize(
    ("task", "model", "named"),
    [
        (ONE, lambda: network(4, activation="softmax"), ["mine", "(batch, 3)", "(batch, 4)"]),
        (ONE, lambda: network(3, 2, activation="softmax"), ["mine", "(batch, 3)", "(batch, 2)"]),
        (
            ONE,
            lambda: network(3, activation="softmax", last=keras.layers.Reshape((1, 1, 3))),
            ["(batch, 3)", "(batch, 1, 1, 3)"],
        ),
        (ONE, lambda: network(3), ["dense_of_3", "softmax", "linear"]),
        (ONE, lambda: network(3, activation="sigmoid"), ["dense_of_3", "softmax", "sigmoid"]),
        (ONE, lambda: network(3, last=keras.layers.Activation("relu", name="mine")), ["mine", "softmax", "relu"]),
        (TAGS, lambda: network(4, activation="sigmoid"), ["(batch, 3)", "(batch, 4)"]),
        (TAGS, lambda: network(3, activation="softmax"), ["dense_of_3", "sigmoid", "softmax"]),
        (TAGS, lambda: network(3, last=keras.layers.Softmax(name="mine")), ["mine", "sigmoid", "softmax"]),
        (NUMBERS, lambda: network(1), ["(batch, 3)", "(batch, 1)"]),
    ],
)
def test_a_model_whose_answers_do_not_fit_the_loss_is_refused(
    task: Callable[[], Task], model: Callable[[], keras.Model], named: list[str]
) -> None:
    with pytest.raises(ConfigError, match="".join(f"(?=.*{re.escape(part)})" for part in named)):
        task().check(model())


@pytest.mark.parametrize(
    ("task", "model"),
    [
        (ONE, lambda: network(3, last=keras.layers.Softmax())),
        (ONE, lambda: network(3, last=keras.layers.Activation("softmax"))),
        # what cannot be known is left to the person
        (ONE, lambda: network(3, last=keras.layers.Lambda(lambda x: x))),
        (TAGS, lambda: network(3, activation="sigmoid")),
        (NUMBERS, lambda: network(3, activation="relu")),
        (NUMBERS, lambda: network(3)),
    ],
)
def test_a_model_whose_answers_fit_is_taken(task: Callable[[], Task], model: Callable[[], keras.Model]) -> None:
    task().check(model())


def test_logits_of_tokens_may_be_of_any_length() -> None:
    task = sequence(Subwords(SimpleNamespace(vocabulary_size=lambda: 50)), longest=8)
    inputs = keras.Input((None, 4))
    task.check(keras.Model(inputs, keras.layers.Dense(54)(inputs)))
    with pytest.raises(ConfigError, match=r"(?=.*\(batch, any, any\))(?=.*\(batch, 3\))"):
        task.check(network(3))
