from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Splits
from tfft.evaluation import Evaluation
from tfft.reporting import Figure, box_figures, draw_boxes
from tfft.reporting.figures import Shown
from tfft.reporting.plots import colours

NOTHING = [0, 0, 0, 0, -1]
TRUTH = np.array([[[4, 4, 20, 20, 0], [10, 12, 30, 30, 1], NOTHING]] * 6 + [[NOTHING] * 3], np.float32)


def answers_of(truth: np.ndarray, scores: float = 0.9) -> dict[str, np.ndarray]:
    """Perfect answers to targets, beside them a sure box of no class."""
    labels = truth[..., 4].astype(np.int32)
    return {"boxes": truth[..., :4].copy(), "scores": np.full(labels.shape, scores, np.float32), "labels": labels}


def figures_of(
    splits: Splits,
    answers: dict[str, np.ndarray],
    thresholds: tuple[float, ...] = (0.5, 0.5),
    truth: np.ndarray = TRUTH,
) -> dict[str, Figure]:
    """Of the last split: the curves, the confusions, the legend, the worst, the typical and the best answers."""
    name, examples = list(splits.items())[-1]
    grey = np.full_like(examples.inputs, 90)  # noise takes long to compress
    shown = replace(splits, **{name: replace(examples, targets=truth, inputs=grey)})
    found = box_figures(shown, Evaluation({}, {name: answers}, np.array(thresholds)), most=3)
    assert all(name in figure.title for figure in found if figure.title != "Classes by colour")
    return dict(zip(("curves", "matrix", "legend", "worst", "typical", "best"), found, strict=True))


def counts(shown: Shown) -> dict[str, int]:
    """What a caption counts."""
    return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", shown.caption)}


def test_the_worst_answers_come_first(splits: Splits) -> None:
    answers = answers_of(TRUTH)
    answers["scores"][2, 0] = 0.4  # below its threshold: missed
    answers["boxes"][4] = [[40, 40, 50, 50]] * 3  # both somewhere else
    answers["labels"][5] = [1, 1, -1]  # a class for another
    found = figures_of(splits, answers)
    worst = found["worst"].pictures
    assert [counts(shown) for shown in worst] == [
        {"right": 0, "missed": 2, "wrong": 2},
        {"right": 1, "missed": 1, "wrong": 1},
        {"right": 1, "missed": 1},
    ]
    assert [shown.detail for shown in worst] == ["200/4", "200/5", "200/2"]
    assert not any(shown.right for shown in worst)
    best = found["best"].pictures
    assert [counts(shown) for shown in best] == [{"right": 0}, {"right": 2}, {"right": 2}]  # nothing is in the last one
    assert all(shown.right for shown in best)
    assert len(found["typical"].pictures) == 3


def test_every_class_has_its_own_threshold(splits: Splits) -> None:
    found = figures_of(splits, answers_of(TRUTH, scores=0.6), (0.7, 0.5))
    assert counts(found["worst"].pictures[0]) == {"right": 1, "missed": 1}


def test_an_answer_is_right_for_one_box_only(splits: Splits) -> None:
    answers = answers_of(TRUTH)
    answers["boxes"][0, 2], answers["labels"][0, 2] = TRUTH[0, 0, :4] + 1, 0
    assert counts(figures_of(splits, answers)["worst"].pictures[0]) == {"right": 2, "wrong": 1}


def test_truth_and_answers_are_drawn_with_their_names_at_the_shape_that_is_asked() -> None:
    truth, guess = np.array([[2, 4, 20, 24, 0]], np.float32), np.array([[12.0, 8, 28, 26]])
    grey, shades = np.full((32, 32, 3), 90, np.uint8), colours(2)
    plain, named, wide = (
        draw_boxes(grey, truth, guess, np.array([1]), shades, **options).astype(int)
        for options in ({}, {"words": ["bee 0.93"]}, {"aspect": 0.5})
    )
    assert plain.shape == named.shape == (320, 320, 3)
    for x, y in ((2, 14), (10, 4)):
        assert plain[10 * y, 10 * x].tolist() == [255, 255, 255]
    for x, y in ((28, 14), (20, 26)):
        near = plain[10 * y - 2 : 10 * y + 3, 10 * x - 2 : 10 * x + 3]
        assert (np.abs(near - shades[1]).max(axis=-1) <= 1).any()
    letters = np.argwhere((plain != named).any(axis=-1))
    assert letters.min(axis=0) == pytest.approx([68, 120], abs=4)  # above the left upper corner
    assert letters.max(axis=0)[0] < 84
    assert wide.shape == (160, 320, 3)
    assert wide[5 * 14, 10 * 2].tolist() == [255, 255, 255]


def test_which_classes_are_taken_for_which(splits: Splits) -> None:
    answers = answers_of(TRUTH)
    answers["labels"][5] = [1, 1, -1]  # a class for another
    answers["boxes"][4] = [[40, 40, 50, 50]] * 3  # somewhere else
    found = figures_of(splits, answers)
    counts = np.array(found["matrix"].matrix.counts)
    assert found["matrix"].matrix.labels == [*splits.labels, "(no box)"]
    assert counts[:2].sum() == (TRUTH[..., 4] >= 0).sum()
    assert counts[0, 1] == 1
    assert counts[:2, 2].sum() == counts[2, :2].sum() == 2
    assert not found["matrix"].matrix.clickable
    assert len(found["curves"].legend) == 2


def test_boxes_without_extent_and_at_the_edge(splits: Splits) -> None:
    truth = np.array([[[32, 32, 32, 32, 0], [0, 0, 32, 32, 1]]] * 7, np.float32)
    assert len(figures_of(splits, answers_of(truth), truth=truth)["worst"].pictures) == 3


def test_without_boxes_and_without_answers(splits: Splits) -> None:
    none = {"boxes": np.zeros((7, 0, 4)), "scores": np.zeros((7, 0)), "labels": np.zeros((7, 0), np.int32)}
    found = figures_of(splits, none, truth=np.zeros((7, 0, 5), np.float32))
    assert [counts(shown) for shown in found["worst"].pictures] == [{"right": 0}] * 3
    found = figures_of(splits, none)
    assert counts(found["worst"].pictures[0]) == {"right": 0, "missed": 2}


def test_one_class_and_no_test_split(splits: Splits) -> None:
    truth = np.array([[[4, 4, 20, 20, 0]]] * 7, np.float32)
    few = replace(splits, labels=["ant"], test=None)
    found = figures_of(few, answers_of(truth), (0.5,), truth)
    assert [shown.detail for shown in found["worst"].pictures] == ["100/0", "100/1", "100/2"]
    assert [counts(shown) for shown in found["best"].pictures] == [{"right": 1}] * 3


def test_small_pictures_are_enlarged_and_large_ones_are_not() -> None:
    truth, boxes, labels = np.array([[1, 1, 6, 8, 0]], np.float32), np.array([[2, 2, 7, 9]]), np.array([0])
    for size, drawn in (((20, 10), (320, 160)), ((10, 500), (10, 500))):
        pixels = np.full((*size, 3), 90, np.uint8)
        picture = draw_boxes(pixels, truth, boxes, labels, colours(1))
        assert picture.shape == (*drawn, 3)
        assert picture.dtype == np.uint8
        assert (pixels == 90).all()
