from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tfft.data import Splits
from tfft.evaluation import Evaluation
from tfft.reporting import Figure, class_figures, classes
from tfft.reporting.figures import picture_uri


def figures_of(splits: Splits, confidence: dict[int, float]) -> tuple[Figure, Figure]:
    """Mistakes and right answers of the last split; some examples are wrong, with a given confidence."""
    name, examples = list(splits.items())[-1]
    truth = np.eye(2, dtype=np.float32)[examples.targets] * 0.9 + 0.05
    for index, sure in confidence.items():
        truth[index, examples.targets[index]] = 1 - sure
        truth[index, 1 - examples.targets[index]] = sure
    found = class_figures(splits, Evaluation({}, {name: truth}), most=3)
    assert all(name in figure.title for figure in found)
    return found[1], found[3]


def test_mistakes_come_by_confidence(splits: Splits) -> None:
    mistakes, right = figures_of(splits, {1: 0.6, 2: 0.99, 4: 0.8, 5: 0.7})
    # what was answered, how surely, what is true
    assert mistakes.most == 3  # another one is shown where a cell of the matrix asks for it
    assert [re.findall(r"ant|bee|\d+%", shown.caption) for shown in mistakes.pictures[:3]] == [
        ["bee", "99%", "ant"],
        ["bee", "80%", "ant"],
        ["ant", "70%", "bee"],
    ]
    assert re.findall(r"\d+", mistakes.text) == ["4", "7"]
    assert [shown.detail for shown in mistakes.pictures] == ["200/2", "200/4", "200/5", "200/1"]
    assert not any(shown.right for shown in mistakes.pictures)
    assert [shown.right for shown in right.pictures] == [True] * 3


def test_without_a_test_split_the_validation_split_is_shown(splits: Splits) -> None:
    mistakes, right = figures_of(replace(splits, test=None), {})
    assert mistakes.pictures == []
    assert len(right.pictures) == 3


def test_pictures_are_small() -> None:
    uri = picture_uri(np.zeros((400, 200, 3), np.uint8))
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert (image.format, image.size) == ("JPEG", (80, 160))


def test_more_mistakes_than_are_shown_at_first_belong_to_cells() -> None:
    truth, guesses = np.zeros(300, int), np.r_[np.ones(290, int), np.full(10, 2)]
    chosen = classes._mistakes(np.arange(300), truth, guesses, 12)
    assert chosen[:12] == list(range(12))
    assert (guesses[chosen] == 2).sum() == classes.MOST_OF_PAIR
    assert len(chosen) == 12 + classes.MOST_OF_PAIR


def test_of_many_classes_those_with_the_most_mistakes(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MOST_CLASSES", 10)  # drawing 40 takes a second
    labels = [f"c{n}" for n in range(60)]
    targets = np.array([55, 55, 3, 7, 8, 9, 10], np.int32)
    guesses = np.eye(60, dtype=np.float32)[[3, 3, 3, 7, 8, 9, 10]]
    many = replace(splits, labels=labels, test=replace(splits.test, targets=targets))
    matrix, mistakes, *_ = class_figures(many, Evaluation({}, {"test": guesses}))
    labels = matrix.matrix.labels
    assert len(labels) == 10
    assert {"c55", "c3"} < set(labels)
    assert "c59" not in labels
    assert re.findall(r"\d+", matrix.text) == ["10", "60"]
    assert np.array(matrix.matrix.counts)[labels.index("c55"), labels.index("c3")] == 2
    assert [labels[index] for index in matrix.matrix.by_mistakes[:2]] == ["c3", "c55"]
    assert mistakes.pictures[0].pair == f"{labels.index('c55')},{labels.index('c3')}"
