from __future__ import annotations

import json

import numpy as np
import pytest

from tfft.evaluation import best_box_thresholds, detection_scores, mean_average_precisions
from tfft.evaluation.box_errors import doubted_boxes

LABELS = ["cup", "key"]
BOX = [10, 10, 20, 20]
FAR = [40, 40, 60, 60]


def targets_of(*pictures: list[tuple[list[float], int]]) -> np.ndarray:
    """(pictures, most, 5), filled up with rows for no box."""
    made = np.full((len(pictures), 3, 5), -1, np.float32)
    for picture, rows in enumerate(pictures):
        for place, (box, label) in enumerate(rows):
            made[picture, place] = [*box, label]
    return made


def answers_of(*pictures: list[tuple[list[float], float, int]]) -> dict[str, np.ndarray]:
    """What a detector answers, filled up with certain boxes of no class."""
    shape = (len(pictures), 6)
    boxes, scores, labels = np.full((*shape, 4), BOX, np.float32), np.ones(shape, np.float32), np.full(shape, -1)
    for picture, rows in enumerate(pictures):
        for place, (box, score, label) in enumerate(rows):
            boxes[picture, place], scores[picture, place], labels[picture, place] = box, score, label
    return {"boxes": boxes, "scores": scores, "labels": labels.astype(np.int32)}


TRUTH = targets_of([(BOX, 0), (FAR, 1)], [(BOX, 0)])


def test_scores_worked_out_by_hand() -> None:
    flat = [10, 10, 20, 17.2]  # overlaps by 0.72
    answers = answers_of([(flat, 0.9, 0), (FAR, 0.8, 0)], [(BOX, 0.7, 0)])
    thresholds = best_box_thresholds(TRUTH, answers, LABELS)
    scores = detection_scores(TRUTH, answers, LABELS, thresholds)
    # by 0.5: right, wrong, right; of the 101 recalls 51 are reached with the first answer
    loose = (51 * 1 + 50 * 2 / 3) / 101
    # by 0.75: wrong, wrong, right
    strict = 51 * (1 / 3) / 101
    cup, key = scores["per_class"]["cup"], scores["per_class"]["key"]
    assert cup["map50"] == pytest.approx(loose)
    assert cup["map"] == pytest.approx((loose + strict) / 2)
    # 0.9 alone has a recall of 0.5, an F1 of 2 / 3; with the third answer it is 0.8
    assert cup["threshold"] == pytest.approx(0.35)  # half-way to nothing
    assert cup["precision"] == pytest.approx(2 / 3)
    assert cup["recall"] == pytest.approx(1)
    assert cup["support"] == 2
    assert key == {"map": 0.0, "map50": 0.0, "threshold": 0.5, "precision": 0.0, "recall": 0.0, "support": 1}
    assert scores["map50"] == pytest.approx(loose / 2)
    assert scores["map75"] == pytest.approx(strict / 2)
    assert scores["map"] == pytest.approx((loose + strict) / 4)
    assert json.loads(json.dumps(scores)) == scores
    quick = mean_average_precisions(TRUTH, answers)
    assert quick == pytest.approx({"map": scores["map"], "map50": scores["map50"]})


def test_perfect_answers() -> None:
    answers = answers_of([(BOX, 0.9, 0), (FAR, 0.6, 1)], [(BOX, 0.8, 0)])
    scores = detection_scores(TRUTH, answers, LABELS, best_box_thresholds(TRUTH, answers, LABELS))
    assert (scores["map50"], scores["map75"], scores["map"]) == pytest.approx((1, 1, 1))
    for label, threshold in (("cup", 0.4), ("key", 0.3)):
        row = scores["per_class"][label]
        assert (row["precision"], row["recall"]) == pytest.approx((1, 1))
        assert row["threshold"] == pytest.approx(threshold)


def test_the_threshold_leaves_out_what_is_wrong() -> None:
    answers = answers_of([(BOX, 0.9, 0), (FAR, 0.3, 0)], [(BOX, 0.8, 0), (FAR, 0.2, 0)])
    thresholds = best_box_thresholds(TRUTH, answers, LABELS)
    row = detection_scores(TRUTH, answers, LABELS, thresholds)["per_class"]["cup"]
    assert (row["threshold"], row["precision"], row["recall"]) == pytest.approx((0.55, 1, 1))


def test_thresholds_are_taken_as_they_are_given() -> None:
    answers = answers_of([(BOX, 0.9, 0), (FAR, 0.3, 0)], [(BOX, 0.8, 0), (FAR, 0.2, 0)])
    row = detection_scores(TRUTH, answers, LABELS, np.array([0.85, 0.5]))["per_class"]["cup"]
    assert (row["threshold"], row["precision"], row["recall"]) == pytest.approx((0.85, 1, 0.5))
    row = detection_scores(TRUTH, answers, LABELS, np.array([0.1, 0.5]))["per_class"]["cup"]
    assert (row["precision"], row["recall"]) == pytest.approx((0.5, 1))


@pytest.mark.parametrize("answers", [answers_of([], []), answers_of([(FAR, 0.9, 0)], [(FAR, 0.9, 1)])])
def test_no_answer_and_only_wrong_ones(answers: dict[str, np.ndarray]) -> None:
    scores = detection_scores(TRUTH, answers, LABELS)
    assert (scores["map50"], scores["map75"], scores["map"]) == (0, 0, 0)
    for row in scores["per_class"].values():
        assert (row["map"], row["threshold"], row["precision"], row["recall"]) == (0, 0.5, 0, 0)
    assert json.loads(json.dumps(scores)) == scores


def test_a_class_without_boxes_does_not_count() -> None:
    truth = targets_of([(BOX, 0)], [])
    scores = detection_scores(truth, answers_of([(BOX, 0.9, 0), (FAR, 0.9, 1)], []), LABELS)
    assert scores["map"] == pytest.approx(1)
    missing = {"map": None, "map50": None, "threshold": 0.5, "precision": 0.0, "recall": 0.0, "support": 0}
    assert scores["per_class"]["key"] == missing


@pytest.mark.parametrize("answers", [answers_of([], []), answers_of([(BOX, 0.9, 0)], [])])
def test_pictures_without_any_box(answers: dict[str, np.ndarray]) -> None:
    scores = detection_scores(targets_of([], []), answers, LABELS)
    assert (scores["map50"], scores["map75"], scores["map"]) == (0, 0, 0)
    assert json.loads(json.dumps(scores)) == scores


def test_a_box_of_another_class_or_found_twice_is_wrong() -> None:
    truth = targets_of([(BOX, 0)])
    assert detection_scores(truth, answers_of([(BOX, 0.9, 1)]), LABELS)["map50"] == 0
    answers = answers_of([(BOX, 0.9, 0), (BOX, 0.8, 0)])
    thresholds = best_box_thresholds(truth, answers, LABELS)
    assert thresholds[0] == pytest.approx(0.85)
    assert detection_scores(truth, answers, LABELS, thresholds)["per_class"]["cup"]["precision"] == 1
    assert detection_scores(truth, answers, LABELS)["per_class"]["cup"]["precision"] == 0.5


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for answers in (answers_of([], []), answers_of([(BOX, 0.9, 0)], [])):
        detection_scores(TRUTH, answers, LABELS)
    assert capsys.readouterr() == ("", "")


def test_boxes_that_a_detector_contradicts() -> None:
    half, loose = [10, 14, 20, 24], [13, 13, 23, 23]  # overlap BOX by 0.43 and 0.32
    truth = targets_of([(BOX, 0), (FAR, 1)], [(BOX, 0)], [(FAR, 1)], [(BOX, 1)], [])
    answers = answers_of(
        [(BOX, 0.9, 0), (FAR, 0.8, 1), (BOX, 0.7, 1), (loose, 0.6, 0)],  # right; others in that place change nothing
        [(BOX, 0.9, 1), (BOX, 0.45, 0)],  # another class, and unsure of the one given
        [(FAR, 0.9, 1), (BOX, 0.6, 0), ([11, 10, 21, 20], 0.55, 1)],  # an object without a box, seen twice
        [(half, 0.8, 1)],  # another place
        [(FAR, 0.2, 1)],  # unsure
    )
    found = list(doubted_boxes(truth, answers, LABELS))
    assert [(one.position, one.given, one.likely) for one in found] == [
        (1, "cup", "key"), (2, "no box", "cup"), (3, "key", "key"),
    ]  # fmt: skip
    doubts = [(1 + 0.9 - 0.45) / 2, 0.6, (1 + 0.8 * (1 - 6 / 14)) / 2]
    assert [one.doubt for one in found] == pytest.approx(doubts, abs=1e-6)
    assert found[1].box == tuple(BOX)
    assert "0.90" in found[0].reason
    assert "43%" in found[2].reason
    nothing = targets_of([], [])
    assert not list(doubted_boxes(nothing, answers_of([], []), LABELS))
