from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tfft.evaluation import regression_scores


def test_scores_worked_out_by_hand() -> None:
    targets = np.array([[1.0], [2.0], [3.0], [6.0]], np.float32)
    answers = np.array([[1.0], [3.0], [3.0], [4.0]], np.float32)
    scores = regression_scores(targets, answers, ["age"])
    # errors 0, 1, 0, -2; about the mean of 3 the truth varies by 14
    assert scores == pytest.approx({"r2": 1 - 5 / 14, "mae": 0.75, "rmse": math.sqrt(5 / 4)})
    assert json.loads(json.dumps(scores)) == scores


def test_several_quantities_are_averaged() -> None:
    targets = np.array([[1, 100], [3, 300]], np.float32)
    answers = np.array([[1, 200], [3, 200]], np.float32)
    scores = regression_scores(targets, answers, ["a", "b"])
    assert scores["per_quantity"]["a"] == {"r2": 1.0, "mae": 0.0, "rmse": 0.0}
    assert scores["per_quantity"]["b"] == pytest.approx({"r2": 0.0, "mae": 100.0, "rmse": 100.0})
    assert (scores["r2"], scores["mae"], scores["rmse"]) == pytest.approx((0.5, 50, 50))
    assert json.loads(json.dumps(scores)) == scores


def test_answers_worse_than_the_mean() -> None:
    assert regression_scores(np.array([[1.0], [2.0]]), np.array([[2.0], [1.0]]), ["a"])["r2"] < 0


@pytest.mark.parametrize("count", [1, 3])
def test_a_truth_that_does_not_vary(count: int) -> None:
    scores = regression_scores(np.full((count, 1), 5.0), np.full((count, 1), 7.0), ["a"])
    assert scores == pytest.approx({"r2": 0.0, "mae": 2.0, "rmse": 2.0})


def test_large_numbers_keep_their_differences() -> None:
    targets = 1e6 + np.arange(1000, dtype=np.float32)[:, None]
    scores = regression_scores(targets, targets + 1, ["steps"])
    assert scores["mae"] == pytest.approx(1)
    assert scores["r2"] == pytest.approx(1 - 1 / np.arange(1000).var())
