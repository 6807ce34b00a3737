from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np

from tfft.data import Splits
from tfft.evaluation import Evaluation
from tfft.reporting import Figure, number_figures
from tfft.reporting.figures import Shown

TRUTH = np.arange(7, dtype=np.float32)[:, None]


def figures_of(
    splits: Splits, answers: np.ndarray, truth: np.ndarray = TRUTH, names: tuple[str, ...] = ("age",)
) -> list[Figure]:
    name, examples = list(splits.items())[-1]
    shown = replace(splits, **{name: replace(examples, targets=truth)}, labels=list(names))
    return number_figures(shown, Evaluation({}, {name: answers}), most=2)


def words(shown: Shown) -> list[str]:
    """Quantities and numbers of a caption: of each quantity what was answered, then what is true."""
    return re.findall(r"age|steps|\d+", shown.caption)


def test_the_worst_and_the_best_answers(splits: Splits) -> None:
    errors = np.array([0.1, -0.2, 3, 0, -4, 0.3, 0.4], np.float32)[:, None]
    plot, worst, best = figures_of(splits, TRUTH + errors)
    assert all("test" in figure.title for figure in (plot, worst, best))
    assert [words(shown) for shown in worst.pictures] == [["age", "0", "4"], ["age", "5", "2"]]
    assert [shown.detail for shown in worst.pictures] == ["200/4", "200/2"]
    assert [shown.detail for shown in best.pictures] == ["200/3", "200/0"]
    assert all(shown.image.startswith("data:image/jpeg;base64,") for shown in (*worst.pictures, *best.pictures))
    ET.fromstring(base64.b64decode(plot.pictures[0].image.partition("base64,")[2]))


def test_of_several_quantities_an_error_is_in_parts_of_their_spread(splits: Splits) -> None:
    truth = np.concatenate([TRUTH, 1000 * TRUTH], axis=1)
    answers = truth.copy()
    answers[1, 1] += 500  # a quarter of its spread
    answers[5, 0] += 3  # one and a half of its own
    _, worst, _ = figures_of(splits, answers, truth, ("age", "steps"))
    assert [words(shown) for shown in worst.pictures] == [
        ["age", "8", "5", "steps", "5000", "5000"],
        ["age", "1", "1", "steps", "1500", "1000"],
    ]


def test_only_right_answers_and_only_wrong_ones(splits: Splits) -> None:
    constant = np.full((7, 1), 2.5, np.float32)
    for truth, wrong in ((TRUTH, 0), (constant, 0), (constant, 5)):
        _, worst, best = figures_of(splits, truth + wrong, truth)
        assert len(worst.pictures) == len(best.pictures) == 2


def test_odd_names(splits: Splits) -> None:
    name = r"$\frac$<script>"
    plot, worst, _ = figures_of(splits, TRUTH + 1, names=(name,))
    svg = base64.b64decode(plot.pictures[0].image.partition("base64,")[2]).decode()
    ET.fromstring(svg)
    assert "<script>" not in svg
    assert name in worst.pictures[0].caption


def test_without_a_test_split_the_validation_split_is_shown(splits: Splits) -> None:
    _, worst, _ = figures_of(replace(splits, test=None), TRUTH + 1)
    assert "val" in worst.title
    assert worst.pictures[0].detail == "100/0"
