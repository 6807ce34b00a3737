from __future__ import annotations

import json

import numpy as np
import pytest

from tfft.conventions import IGNORED
from tfft.evaluation import confusions, segmentation_scores

LABELS = ["sky", "road", "car", "tree"]


def by_pixel(targets: np.ndarray, predicted: np.ndarray) -> list[list[int]]:
    matrix = [[0] * len(LABELS) for _ in LABELS]
    for true, said in zip(targets.ravel().tolist(), predicted.ravel().tolist(), strict=True):
        if true != IGNORED:
            matrix[true][said] += 1
    return matrix


def scored(targets: np.ndarray, predicted: np.ndarray, labels: list[str] = LABELS) -> dict:
    """Scores of answers that are sure of themselves."""
    return segmentation_scores(confusions(np.eye(len(labels), dtype=np.float32)[predicted], targets), labels)


@pytest.mark.parametrize("count", [1, 7])
def test_scores_pixel_by_pixel(count: int) -> None:
    random = np.random.default_rng(count)
    # nobody says road, there is no car, and there is no tree and nobody says so
    targets = random.choice(np.array([0, 1, IGNORED], np.uint8), (count, 3, 5))
    predicted = random.choice(np.array([0, 2], np.uint8), (count, 3, 5))
    scores = scored(targets, predicted)
    matrix = by_pixel(targets, predicted)
    pixels = sum(map(sum, matrix))
    assert pixels == (targets != IGNORED).sum()
    assert scores["confusion_matrix"] == matrix
    assert scores["pixel_accuracy"] == pytest.approx(matrix[0][0] / pixels)
    sky = matrix[0][0] / (sum(matrix[0]) + matrix[1][0])
    assert scores["mean_iou"] == pytest.approx((sky + 0 + 0) / 3)  # sky, road, and cars that are only said to be
    assert scores["per_class"]["sky"] == pytest.approx(
        {
            "iou": sky,
            "precision": matrix[0][0] / (matrix[0][0] + matrix[1][0]),
            "recall": matrix[0][0] / sum(matrix[0]),
            "share": sum(matrix[0]) / pixels,
        }
    )
    road = {"iou": 0.0, "precision": 0.0, "recall": 0.0, "share": pytest.approx(sum(matrix[1]) / pixels)}
    assert scores["per_class"]["road"] == road
    assert scores["per_class"]["car"] == {"iou": 0.0, "precision": 0.0, "recall": 0.0, "share": 0.0}
    assert scores["per_class"]["tree"] == {"iou": None, "precision": 0.0, "recall": 0.0, "share": 0.0}
    assert json.loads(json.dumps(scores)) == scores


def test_perfect_answers() -> None:
    targets = np.array([[[0, 1], [2, IGNORED]]], np.uint8)
    scores = scored(targets, np.array([[[0, 1], [2, 3]]], np.uint8))
    assert (scores["pixel_accuracy"], scores["mean_iou"]) == (1, 1)
    assert scores["per_class"]["tree"]["iou"] is None


def test_pixels_that_do_not_count_are_none_at_all() -> None:
    targets = np.full((2, 2, 2), IGNORED, np.uint8)
    scores = scored(targets, np.zeros((2, 2, 2), np.uint8))
    assert (scores["pixel_accuracy"], scores["mean_iou"]) == (0, 0)
    assert scores["per_class"]["sky"]["iou"] is None


def test_many_classes() -> None:
    labels = [f"c{n}" for n in range(254)]
    classes = np.arange(254, dtype=np.uint8).reshape(1, 1, 254)
    assert scored(classes, classes, labels)["mean_iou"] == 1
    assert scored(classes, classes[..., ::-1], labels)["confusion_matrix"][253][0] == 1


def test_each_picture_has_a_matrix_of_its_own() -> None:
    targets = np.array([[[0, 1]], [[IGNORED, 1]]], np.uint8)
    predicted = np.array([[[0, 0]], [[0, 1]]])
    found = confusions(np.eye(2, dtype=np.float32)[predicted], targets)
    assert found.tolist() == [[[1, 0], [1, 0]], [[0, 0], [0, 1]]]
