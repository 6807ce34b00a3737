from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np

from tfft.data import Splits
from tfft.evaluation import Evaluation
from tfft.reporting import Figure, tag_figures
from tfft.reporting.figures import Shown

TRUTH = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 1]], np.uint8)
RIGHT = np.where(TRUTH == 1, 0.8, 0.1).astype(np.float32)


def figures_of(
    splits: Splits, chances: np.ndarray, truth: np.ndarray = TRUTH, thresholds: tuple[float, ...] = (0.5, 0.5)
) -> list[Figure]:
    name, examples = list(splits.items())[-1]
    shown = replace(splits, **{name: replace(examples, targets=truth)})
    *found, calibration = tag_figures(shown, Evaluation({}, {name: chances}, np.array(thresholds)), most=3)
    assert "Calibration" in calibration.title
    return found


def tags(shown: Shown) -> list[str]:
    return re.findall("ant|bee", shown.caption)


def test_mistakes_come_by_their_distance(splits: Splits) -> None:
    chances = RIGHT.copy()
    chances[1] = [0.6, 0.8]  # one too many
    chances[2] = [0.9, 0.05]  # one missed
    chances[4] = [0.3, 0.1]  # the only one missed
    chances[6] = [0.2, 0.99]
    curves, worst, right = figures_of(splits, chances)
    assert all("test" in figure.title for figure in (curves, worst, right))
    # what was answered, then what is true
    assert [tags(shown) for shown in worst.pictures] == [["ant", "ant", "bee"], ["bee", "ant", "bee"], ["ant"]]
    assert [shown.detail for shown in worst.pictures] == ["200/2", "200/6", "200/4"]
    assert not any(shown.right for shown in worst.pictures)
    assert re.findall(r"\d+", worst.text) == ["4", "7"]
    assert [tags(shown) for shown in right.pictures] == [["ant"], [], ["bee"]]
    assert all(shown.right for shown in right.pictures)
    assert re.findall(r"\d+", right.text) == ["3", "7"]
    assert all(shown.image.startswith("data:image/jpeg;base64,") for shown in (*worst.pictures, *right.pictures))
    ET.fromstring(base64.b64decode(curves.pictures[0].image.partition("base64,")[2]))


def test_every_label_has_its_own_threshold(splits: Splits) -> None:
    _, worst, _ = figures_of(splits, RIGHT, thresholds=(0.9, 0.05))
    assert tags(worst.pictures[0]) == ["bee", "ant"]
    assert re.findall(r"\d+", worst.text) == ["5", "7"]


def test_only_right_answers_and_only_wrong_ones(splits: Splits) -> None:
    _, worst, right = figures_of(splits, RIGHT)
    assert (len(worst.pictures), len(right.pictures)) == (0, 3)
    assert [shown.detail for shown in right.pictures] == ["200/0", "200/3", "200/6"]  # spread over the split
    _, worst, right = figures_of(splits, 1 - RIGHT)
    assert (len(worst.pictures), len(right.pictures)) == (3, 0)


def test_of_many_labels_some_are_named(splits: Splits) -> None:
    many = replace(splits, labels=[f"c{n}" for n in range(30)])
    _, _, right = figures_of(many, np.full((7, 30), 0.9), np.ones((7, 30), np.uint8), (0.5,) * 30)
    assert re.findall(r"c\d+|\d+", right.pictures[0].caption) == ["c0", "c1", "c2", "c3", "c4", "c5", "24"]


def test_odd_names(splits: Splits) -> None:
    name = r"$\frac$<script>"
    curves, worst, _ = figures_of(replace(splits, labels=[name, "bee"]), 1 - RIGHT)
    svg = base64.b64decode(curves.pictures[0].image.partition("base64,")[2]).decode()
    ET.fromstring(svg)
    assert "<script>" not in svg
    assert name in worst.pictures[0].caption


def test_one_label_and_no_test_split(splits: Splits) -> None:
    few = replace(splits, labels=["ant"], test=None)
    _, _, right = figures_of(few, RIGHT[:, :1], TRUTH[:, :1], (0.5,))
    assert "val" in right.title
    assert right.pictures[0].detail == "100/0"


def test_a_split_without_any_label(splits: Splits) -> None:
    curves, worst, right = figures_of(splits, np.full((7, 2), 0.1), np.zeros((7, 2), np.uint8))
    ET.fromstring(base64.b64decode(curves.pictures[0].image.partition("base64,")[2]))
    assert worst.pictures == []
    assert tags(right.pictures[0]) == []
