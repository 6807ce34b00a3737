from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfft.evaluation import differences, intervals, scores_of
from tfft.evaluation.resampling import resampled

RNG = np.random.default_rng(0)
LABELS = ["ant", "bee", "cat"]
CLASSES = RNG.integers(0, 3, 60)
TAGS = (RNG.random((60, 3)) < 0.4).astype(np.uint8)
NUMBERS = RNG.normal(size=(60, 2)).astype(np.float32)
TEXTS = [" ".join(RNG.choice(["the", "red", "house", "is", "big", "old"], 8)) for _ in range(20)]


def probabilities(truth: np.ndarray, share: float = 0.4) -> np.ndarray:
    rows = np.random.default_rng(1).dirichlet(np.ones(3), len(truth)) + share * np.eye(3)[truth]
    return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def boxes() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(2)
    corner = rng.uniform(0, 60, (12, 4, 2))
    truth = np.concatenate([corner, corner + 30, rng.integers(0, 3, (12, 4, 1))], axis=2).astype(np.float32)
    truth[RNG.random((12, 4)) < 0.3, 4] = -1
    answers = {
        "boxes": np.tile(truth[..., :4], (1, 2, 1)) + rng.normal(0, 4, (12, 8, 4)).astype(np.float32),
        "scores": rng.random((12, 8)).astype(np.float32),
        "labels": np.where(rng.random((12, 8)) < 0.8, np.tile(truth[..., 4], (1, 2)), 1).astype(np.int32),
    }
    return truth, answers


def cases() -> dict[str, tuple[Any, ...]]:
    """For each task what `scores_of` takes."""
    matrices = RNG.integers(0, 50, (9, 3, 3)).astype(np.int32)
    spam = 0.5 * RNG.random(60) + 0.4 * (CLASSES % 2)
    references = [[text, TEXTS[0]] for text in TEXTS]
    generated = [" ".join(text.split()[: 5 + n % 4]) for n, text in enumerate(TEXTS)]
    return {
        "classification": (CLASSES, probabilities(CLASSES), LABELS, None),
        "two classes": (CLASSES % 2, np.column_stack([1 - spam, spam]), LABELS[:2], np.array([0.0, 0.4])),
        "multilabel": (TAGS, np.round(0.5 * TAGS + 0.5 * RNG.random((60, 3)), 1), LABELS, np.full(3, 0.5)),
        "regression": (NUMBERS, NUMBERS + RNG.normal(0, 0.4, NUMBERS.shape), ["age", "size"], None),
        "detection": (*boxes(), LABELS, np.full(3, 0.5)),
        "segmentation": (None, matrices, LABELS, None),
        "translation": (references, generated, [], None),
        "summarization": (references, generated, [], None),
    }


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_each_example_once_gives_the_scores_and_twice_those_of_a_doubled_split(name: str) -> None:
    task = "classification" if name == "two classes" else name
    truth, predictions, labels, thresholds = CASES[name]
    known = scores_of(task, *CASES[name])
    count = len(predictions if truth is None else truth)
    scores = resampled(task, *CASES[name])
    once = scores(np.ones((2, count), np.float32))
    for score, values in once.items():
        assert values == pytest.approx([known[score]] * 2, abs=1e-6), score
    twice = np.ones((1, count), np.float32)
    twice[0, : count // 2] = 2
    rows = np.r_[np.arange(count), np.arange(count // 2)]

    def at(values: Any) -> Any:
        if isinstance(values, dict):
            return {key: value[rows] for key, value in values.items()}
        return [values[row] for row in rows] if isinstance(values, list) else values[rows]

    doubled = scores_of(task, None if truth is None else at(truth), at(predictions), labels, thresholds)
    for score, values in scores(twice).items():
        assert values[0] == pytest.approx(doubled[score], abs=1e-6), score


@pytest.mark.parametrize("name", CASES)
def test_intervals_surround_the_score_and_are_the_same_again(name: str) -> None:
    task = "classification" if name == "two classes" else name
    found, known = intervals(task, *CASES[name]), scores_of(task, *CASES[name])
    assert found == intervals(task, *CASES[name])
    assert next(iter(known)) in found
    for score, (low, high) in found.items():
        assert low <= known[score] <= high, score
        assert low < high, score


def test_they_are_narrower_with_more_examples_and_honest_where_all_is_right() -> None:
    few, many = (
        intervals("classification", np.tile(CLASSES, times), np.tile(probabilities(CLASSES), (times, 1)), LABELS)
        for times in (1, 16)
    )
    for score in few:
        width, less = few[score][1] - few[score][0], many[score][1] - many[score][0]
        assert less == pytest.approx(width / 4, rel=0.15), score
    sure = intervals("classification", CLASSES, np.eye(3)[CLASSES], LABELS)
    assert sure["accuracy"][1] == 1
    assert sure["accuracy"][0] == pytest.approx(60 / (60 + 1.96**2), abs=1e-3)  # Wilson
    assert intervals("classification", CLASSES[:1], probabilities(CLASSES[:1]), LABELS) == {}


def test_an_interval_is_as_wide_as_the_error_of_a_mean() -> None:
    truth = np.zeros((400, 1))
    answers = np.random.default_rng(3).normal(0, 1, (400, 1))
    low, high = intervals(
        "regression", truth + np.arange(400)[:, None], truth + np.arange(400)[:, None] + answers, ["q"]
    )["mae"]
    assert high - low == pytest.approx(2 * 1.96 * np.abs(answers).std() / 20, rel=0.12)


@pytest.mark.parametrize("truth", [[0.0] * 499 + [5.0], [0.0] * 9 + [1.0], [1.0, 1.0, 2.0], [1.0, 2.0], [3.0, 3.0]])
def test_numbers_that_hardly_vary(truth: list[float]) -> None:
    column = np.array(truth)[:, None]
    answers = column + np.random.default_rng(0).normal(0, 0.1, column.shape)
    for low, high in intervals("regression", column, answers, ["q"]).values():
        assert np.isfinite([low, high]).all()
    for one in differences("regression", column, answers, answers + 0.1, ["q"]).values():
        assert np.isfinite([one.value, one.low, one.high, one.p]).all()


def test_few_examples_are_no_proof() -> None:
    good, bad = np.eye(3)[[0, 0, 0]], np.eye(3)[[1, 1, 1]]
    assert differences("classification", np.zeros(3, int), bad, good, LABELS)["accuracy"].p == 1
    assert differences("classification", np.zeros(1, int), bad[:1], good[:1], LABELS) == {}


def test_two_models_are_compared_on_the_same_examples() -> None:
    truth = np.tile(CLASSES, 5)
    good, bad = (np.eye(3)[np.where(RNG.random(300) < share, truth, 0)] for share in (0.9, 0.6))
    found = differences("classification", truth, bad, good, LABELS)["accuracy"]
    assert 0 < found.low < found.value < found.high
    assert found.p < 0.01
    other = differences("classification", truth, good, bad, LABELS)["accuracy"]
    assert other.value == -found.value
    same = differences("classification", truth, good, good, LABELS)["accuracy"]
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
