from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tfft.evaluation import average_precisions, best_thresholds, multi_label_scores

TARGETS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], np.int32)
CHANCES = np.array([[0.9, 0.1, 0.2], [0.4, 0.8, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]], np.float32)


def f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    return 2 * float((truth & predicted).sum()) / max(1, int(truth.sum() + predicted.sum()))


def test_scores_worked_out_by_hand() -> None:
    scores = multi_label_scores(TARGETS, CHANCES, ["ant", "bee", "cat"], np.array([0.5, 0.25, 0.5]))
    ant, bee, cat = (scores["per_class"][label] for label in ("ant", "bee", "cat"))
    # in falling order right, wrong, right
    assert ant == pytest.approx(
        {"average_precision": (1 + 2 / 3) / 2, "precision": 0.5, "recall": 0.5, "f1": 0.5, "threshold": 0.5,
         "support": 2}
    )  # fmt: skip
    assert bee == {"average_precision": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0, "threshold": 0.25,
                   "support": 2}  # fmt: skip
    # nobody showed a cat, one was seen
    assert cat == {"average_precision": None, "precision": 0.0, "recall": 0.0, "f1": 0.0, "threshold": 0.5,
                   "support": 0}  # fmt: skip
    assert scores["macro_average_precision"] == pytest.approx((5 / 6 + 1) / 2)
    assert scores["macro_f1"] == pytest.approx(0.75)
    assert scores["micro_f1"] == pytest.approx(2 * 3 / (4 + 5))
    assert scores["exact_match"] == 0.25
    right = np.where(TARGETS == 1, CHANCES, 1 - CHANCES)
    assert scores["loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
    assert json.loads(json.dumps(scores)) == scores


def test_one_label() -> None:
    scores = multi_label_scores(TARGETS[:, :1], CHANCES[:, :1], ["ant"], np.array([0.5]))
    assert scores["per_class"]["ant"] == pytest.approx(
        {"average_precision": 5 / 6, "precision": 0.5, "recall": 0.5, "f1": 0.5, "threshold": 0.5, "support": 2}
    )
    assert scores["micro_f1"] == scores["macro_f1"] == 0.5


def test_a_split_without_any_label() -> None:
    scores = multi_label_scores(np.zeros((3, 2)), np.full((3, 2), 0.1), ["ant", "bee"], np.array([0.5, 0.5]))
    assert (scores["macro_average_precision"], scores["macro_f1"], scores["micro_f1"]) == (0, 0, 0)
    assert scores["exact_match"] == 1
    assert json.loads(json.dumps(scores)) == scores


def test_a_certain_mistake_is_still_a_number() -> None:
    certain = np.array([[1.0, 0.0], [1.0, 1.0]], np.float32)
    scores = multi_label_scores(np.array([[0, 1], [1, 1]]), certain, ["ant", "bee"], np.array([0.5, 0.5]))
    assert math.isfinite(scores["loss"])


@pytest.mark.parametrize("seed", range(8))
def test_no_threshold_has_a_higher_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((12, 3)) < [0.2, 0.5, 0.8]
    truth[0], truth[1] = True, False
    chances = random.random((12, 3)).astype(np.float32).round(1)  # some are equal
    for index, threshold in enumerate(best_thresholds(truth.astype(np.int32), chances)):
        column, chance = truth[:, index], chances[:, index]
        every = [f1(column, chance >= cut) for cut in [*np.unique(chance), 2.0]]
        assert f1(column, chance >= threshold) == pytest.approx(max(every))


def test_a_threshold_is_half_way_between_two_answers() -> None:
    truth = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    chances = np.array([[0.9, 0.6, 0.5], [0.5, 0.4, 0.5], [0.1, 0.5, 0.5], [0.3, 0.2, 0.8]], np.float32)
    assert best_thresholds(truth, chances) == pytest.approx([0.4, 0.3, 0.65])


def test_where_all_answers_are_equal_all_are_predicted() -> None:
    truth, chances = np.array([[1], [0], [1]]), np.full((3, 1), 0.3, np.float32)
    assert best_thresholds(truth, chances) == pytest.approx([0.15])


def test_a_label_that_no_picture_has_or_every_one() -> None:
    truth = np.array([[0, 1], [0, 1]])
    assert best_thresholds(truth, np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)).tolist() == [0.5, 0.5]


def test_answers_that_differ_in_their_last_bit() -> None:
    high = np.nextafter(np.float32(1), np.float32(0))
    chances = np.array([[np.nextafter(high, np.float32(0))], [high]], np.float32)
    assert (chances >= best_thresholds(np.array([[0], [1]]), chances)).tolist() == [[False], [True]]


def test_small_probabilities_of_a_rare_label_are_ranked() -> None:
    truth = np.zeros((1000, 1))
    truth[7] = 1
    chances = np.linspace(1e-4, 3e-4, 1000, dtype=np.float32)[:, None]
    chances[7] = 4e-4
    assert average_precisions(truth, chances) == {"average_precision": 1.0}
    assert average_precisions(truth, 1e-3 - chances)["average_precision"] < 0.01
    assert average_precisions(truth * 0, chances) == {"average_precision": 0.0}
