from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.conventions import IGNORED
from tfft.models import multi_label, single_label
from tfft.models.losses import binary_cross_entropy, cross_entropy, pixel_loss, token_accuracy, token_loss

Guesses = Callable[..., tuple[np.ndarray, np.ndarray]]
LABELS = ["a", "b", "c"]
CHANCES = np.array([[0.9, 0.2, 0.6], [0.3, 0.5, 0.1]], np.float32)
TRUTH = np.array([[1, 0, 1], [0, 0, 1]], np.int32)
OF_TRUTH = np.where(TRUTH == 1, CHANCES, 1 - CHANCES)


def evaluated(loss: Any, truth: np.ndarray, answers: np.ndarray, **options: Any) -> float:
    """The loss of a model that answers what it is given, as Keras computes it in a step of training."""
    inputs = keras.Input(answers.shape[1:])
    as_it_is = keras.layers.Dense(answers.shape[1], use_bias=False, kernel_initializer="identity")
    model = keras.Model(inputs, as_it_is(inputs))
    model.compile("sgd", loss)
    return float(model.train_on_batch(answers, truth, **options))


def test_the_weight_of_a_label_is_of_that_label_where_it_is_there() -> None:
    weights = np.array([2.0, 3.0, 100.0])
    expected = (-np.log(OF_TRUTH) * np.where(TRUTH == 1, weights, 1)).mean()
    assert evaluated(multi_label(LABELS, weights=weights).loss, TRUTH, CHANCES) == pytest.approx(expected, rel=1e-5)
    # Keras takes the first label of a picture for its class and weighs all its labels by that
    by_keras = evaluated(multi_label(LABELS).loss, TRUTH, CHANCES, class_weight=dict(enumerate(weights)))
    first = np.array([2.0, 100.0])
    assert by_keras == pytest.approx((-np.log(OF_TRUTH).mean(axis=1) * first).mean(), rel=1e-5)
    assert by_keras != pytest.approx(expected, rel=0.1)


def test_the_weight_of_a_class_is_of_the_class_that_is_true() -> None:
    answers = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4], [0.2, 0.7, 0.1]], np.float32)
    truth = np.array([0, 1, 2, 0], np.int32)
    expected = -np.log([0.5, 0.6, 0.4, 0.2]) * [2, 3, 100, 2]
    loss = single_label(LABELS, weights=[2, 3, 100]).loss
    assert evaluated(loss, truth, answers) == pytest.approx(expected.mean(), rel=1e-5)


def test_weights_of_one_change_nothing() -> None:
    plain, weighed = (binary_cross_entropy(weights, 2.0)(TRUTH, CHANCES) for weights in (None, [1, 1, 1]))
    assert np.array_equal(plain, weighed)


def test_focal_loss() -> None:
    plain = binary_cross_entropy(None, 0.0)(TRUTH, CHANCES)
    assert np.asarray(plain) == pytest.approx(-np.log(OF_TRUTH).mean(axis=1), rel=1e-5)
    assert np.array_equal(plain, keras.losses.binary_crossentropy(TRUTH, CHANCES))
    focal = binary_cross_entropy(None, 2.0)(TRUTH, CHANCES)
    assert np.asarray(focal) == pytest.approx((-np.log(OF_TRUTH) * (1 - OF_TRUTH) ** 2).mean(axis=1), rel=1e-4)


def test_focal_loss_of_classes() -> None:
    answers, truth = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], np.float32), np.array([0, 2])
    plain = cross_entropy(None, 0.0)(truth, answers)
    assert np.array_equal(plain, keras.losses.sparse_categorical_crossentropy(truth, answers))
    assert single_label(LABELS).loss == "sparse_categorical_crossentropy"
    focal = single_label(LABELS, focal=2.0).loss(truth, answers)
    assert np.asarray(focal) == pytest.approx(-np.log([0.5, 0.3]) * np.array([0.5, 0.7]) ** 2, rel=1e-4)


@pytest.mark.parametrize("focal", [0.5, 1.0, 2.0])
def test_focal_loss_of_certain_answers_has_a_gradient(focal: float) -> None:
    certain = tf.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    for loss, truth in (
        (cross_entropy(None, focal), np.array([0, 0])),
        (binary_cross_entropy(None, focal), np.array([[1, 0, 0], [1, 0, 1]])),
    ):
        with tf.GradientTape() as tape:
            tape.watch(certain)
            value = loss(truth, certain)
        assert np.isfinite(value).all()
        assert np.isfinite(tape.gradient(value, certain)).all()


LOSSES = [
    {"focal": 0.0, "dice": 0.0},
    {"focal": 2.0, "dice": 0.0},
    {"focal": 0.0, "dice": 1.0},
    {"focal": 0.5, "dice": 0.5, "weights": [1.0, 5.0, 2.0]},
]


@pytest.mark.parametrize("options", LOSSES)
def test_ignored_pixels_change_nothing(guesses: Guesses, options: dict) -> None:
    loss = pixel_loss(**{"weights": None, **options})
    truth, answers = guesses(3)
    ignored = truth == IGNORED
    others = answers.copy()
    others[ignored] = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])[np.arange(ignored.sum()) % 2]
    assert 0 < ignored.sum() < ignored.size
    assert np.array_equal(loss(truth, answers), loss(truth, others))
    for given in (answers, others):
        given = tf.constant(given)
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = tf.reduce_sum(loss(truth, given))
        gradient = tape.gradient(value, given).numpy()
        assert not gradient[ignored].any()
        assert gradient[~ignored].any(axis=-1).all()


def test_a_picture_of_ignored_pixels_has_no_loss(guesses: Guesses) -> None:
    _, answers = guesses(5)
    truth = np.full(answers.shape[:3], IGNORED, np.uint8)
    truth[0, 0, 0] = 1
    losses = np.asarray(pixel_loss(None, focal=0.0, dice=0.0)(truth, answers))
    assert losses == pytest.approx([-np.log(answers[0, 0, 0, 1]), 0])


def by_hand(truth: np.ndarray, answers: np.ndarray, weights: list[float], focal: float) -> list[float]:
    losses = []
    for classes, chances in zip(truth, answers, strict=True):
        total = weight = 0.0
        for place in np.argwhere(classes != IGNORED):
            true = classes[tuple(place)]
            chance = float(chances[tuple(place)][true])
            total += weights[true] * (1 - chance) ** focal * -math.log(chance)
            weight += weights[true]
        losses.append(total / weight)
    return losses


@pytest.mark.parametrize("weights", [None, [1.0, 5.0, 0.5]])
@pytest.mark.parametrize("focal", [0.0, 2.0])
def test_the_loss_worked_out_by_hand(guesses: Guesses, weights: list[float] | None, focal: float) -> None:
    truth, answers = guesses(6)
    losses = np.asarray(pixel_loss(weights, focal=focal, dice=0.0)(truth, answers))
    assert losses == pytest.approx(by_hand(truth, answers, weights or [1.0] * 3, focal), rel=1e-4)


def test_without_an_exponent_it_is_cross_entropy(guesses: Guesses) -> None:
    _, answers = guesses(7)
    truth = np.random.default_rng(7).integers(0, 3, answers.shape[:3])
    expected = np.asarray(keras.losses.sparse_categorical_crossentropy(truth, answers)).mean(axis=(1, 2))
    assert np.asarray(pixel_loss(None, focal=0.0, dice=0.0)(truth, answers)) == pytest.approx(expected, rel=1e-5)


def test_dice(guesses: Guesses) -> None:
    def dice(truth: np.ndarray, answers: np.ndarray) -> float:
        with_it, without = (np.asarray(pixel_loss(None, focal=0.0, dice=d)(truth, answers)) for d in (1.0, 0.0))
        difference = with_it - without
        assert difference == pytest.approx(difference[0], abs=1e-5)  # of the batch, not of a picture
        return float(difference[0])

    truth, answers = guesses(8, (30, 40))
    known = (truth != IGNORED)[..., None]
    wanted, given = np.eye(3)[np.where(truth == IGNORED, 0, truth)] * known, answers * known
    shared, both = (wanted * given).sum((0, 1, 2)), wanted.sum((0, 1, 2)) + given.sum((0, 1, 2))
    # whatever keeps an absent class from dividing by 0 is lost among so many pixels
    assert dice(truth, answers) == pytest.approx(1 - (2 * shared / both).mean(), abs=2e-3)
    assert dice(truth, wanted.astype(np.float32)) == pytest.approx(0, abs=1e-5)
    wrong = np.roll(wanted, 1, axis=-1).astype(np.float32)
    assert dice(truth, wrong) == pytest.approx(1, abs=1e-2)
    # a class that is neither there nor said is no mistake
    truth, answers = np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.float32)
    answers[..., 0] = 1
    assert dice(truth, answers) == pytest.approx(0, abs=1e-5)


def test_the_loss_of_tokens_is_a_mean_over_those_that_are_there() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    truth = np.array([[1, 2, 4], [3, 0, 0]])
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    right = -np.array([logs[0, 0, 1], logs[0, 1, 2], logs[0, 2, 4], logs[1, 0, 3]])
    assert np.mean(token_loss(truth, logits, pad=0, smoothing=0.0)) == pytest.approx(right.mean(), rel=1e-5)
    spread = -np.array([logs[0, 0], logs[0, 1], logs[0, 2], logs[1, 0]]).mean(-1)
    smoothed = 0.9 * right + 0.1 * spread
    assert np.mean(token_loss(truth, logits, pad=0, smoothing=0.1)) == pytest.approx(smoothed.mean(), rel=1e-5)
    padded = np.pad(logits, [(0, 0), (0, 2), (0, 0)], constant_values=7.0)
    longer = np.pad(truth, [(0, 0), (0, 2)])
    assert np.allclose(
        token_loss(longer, padded, pad=0, smoothing=0.1), token_loss(truth, logits, pad=0, smoothing=0.1)
    )


def test_the_accuracy_of_tokens() -> None:
    truth = np.array([[1, 2, 4], [3, 0, 0]])
    answers = np.eye(5, dtype=np.float32)[[[1, 2, 3], [3, 0, 0]]]
    assert np.mean(token_accuracy(truth, answers, pad=0)) == pytest.approx(3 / 4)


def test_logit_adjustment_adds_the_logarithm_of_the_prior_to_the_logits() -> None:
    prior = np.array([0.7, 0.2, 0.1])
    logits = np.array([[2.0, 1.0, -1.0], [0.5, 0.0, 0.3]], np.float32)
    truth = np.array([2, 0])
    adjusted = logits + np.log(prior)
    expected = np.log(np.exp(adjusted).sum(axis=1)) - adjusted[[0, 1], truth]
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.asarray(single_label(LABELS, prior=prior).loss(truth, softmax)) == pytest.approx(expected, rel=1e-4)
    of_map = pixel_loss(None, focal=0.0, dice=0.0, prior=prior)(truth[:, None, None], softmax[:, None, None])
    assert np.asarray(of_map) == pytest.approx(expected, rel=1e-4)


def test_logit_adjustment_of_tags_is_by_the_odds_of_each() -> None:
    prior = np.array([0.5, 0.2, 0.05])
    odds = np.log(CHANCES / (1 - CHANCES)) + np.log(prior / (1 - prior))
    adjusted = 1 / (1 + np.exp(-odds))
    expected = -np.log(np.where(TRUTH == 1, adjusted, 1 - adjusted)).mean(axis=1)
    assert np.asarray(multi_label(LABELS, prior=prior).loss(TRUTH, CHANCES)) == pytest.approx(expected, rel=1e-4)


def test_with_a_prior_smoothing_does_not_favour_the_rare_class() -> None:
    rare = np.linspace(0.01, 0.99, 99)
    chances = np.stack([1 - rare, rare], axis=1).astype(np.float32)
    adjusted = single_label(["no", "yes"], smoothing=0.1, prior=[0.98, 0.02])
    # the target of a frequent example is 0.1 * 0.02 of the rare class, and the odds of the model 49 times as high
    assert rare[np.argmin(adjusted.loss(np.zeros(99), chances))] == pytest.approx(0.09)


def test_a_smoothed_target_is_spread_over_all_classes() -> None:
    chances = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]], np.float32)
    truth = np.array([0, 2])
    smooth = 0.7 * np.eye(3)[truth] + 0.1
    expected = -(smooth * np.log(chances)).sum(axis=1)
    assert np.asarray(single_label(LABELS, smoothing=0.3).loss(truth, chances)) == pytest.approx(expected, rel=1e-4)
    weighted = single_label(LABELS, smoothing=0.3, weights=[1.0, 1.0, 5.0]).loss(truth, chances)
    assert np.asarray(weighted) == pytest.approx(expected * [1, 5], rel=1e-4)
