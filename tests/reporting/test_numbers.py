from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Splits
from tfft.reporting import Figure, number_figures

TRUTH = np.arange(7, dtype=np.float32)[:, None]


def figures_of(
    splits: Splits, answers: np.ndarray, truth: np.ndarray = TRUTH, names: tuple[str, ...] = ("age",)
) -> list[Figure]:
    name, examples = list(splits.items())[-1]
    shown = replace(splits, **{name: replace(examples, targets=truth)}, labels=list(names))
    return number_figures(shown, {name: answers}, most=2)


def test_the_worst_and_the_best_answers(splits: Splits) -> None:
    errors = np.array([0.1, -0.2, 3, 0, -4, 0.3, 0.4], np.float32)[:, None]
    plot, worst, best = figures_of(splits, TRUTH + errors)
    assert [figure.title for figure in (plot, worst, best)] == [
        "Truth against answer (test)",
        "Worst answers (test)",
        "Best answers (test)",
    ]
    assert [shown.caption for shown in worst.pictures] == ["age 0, is 4", "age 5, is 2"]
    assert [shown.detail for shown in worst.pictures] == ["200/4", "200/2"]
    assert [shown.detail for shown in best.pictures] == ["200/3", "200/0"]
    assert all(shown.image.startswith("data:image/png;base64,") for shown in (*worst.pictures, *best.pictures))
    ET.fromstring(base64.b64decode(plot.pictures[0].image.partition("base64,")[2]))


def test_of_several_quantities_an_error_is_in_parts_of_their_spread(splits: Splits) -> None:
    truth = np.concatenate([TRUTH, 1000 * TRUTH], axis=1)
    answers = truth.copy()
    answers[1, 1] += 500  # a quarter of its spread
    answers[5, 0] += 3  # one and a half of its own
    _, worst, _ = figures_of(splits, answers, truth, ("age", "steps"))
    assert [shown.caption for shown in worst.pictures] == [
        "age 8, is 5; steps 5000, is 5000",
        "age 1, is 1; steps 1500, is 1000",
    ]


@pytest.mark.parametrize("wrong", [0.0, 5.0])
def test_only_right_answers_and_only_wrong_ones(splits: Splits, wrong: float) -> None:
    constant = np.full((7, 1), 2.5, np.float32)
    for truth in (TRUTH, constant):
        _, worst, best = figures_of(splits, truth + wrong, truth)
        assert len(worst.pictures) == len(best.pictures) == 2


@pytest.mark.parametrize("name", ["$x_<b>", r"$\frac$", "_hidden", "<script>"])
def test_odd_names(splits: Splits, name: str) -> None:
    plot, worst, _ = figures_of(splits, TRUTH + 1, names=(name,))
    svg = base64.b64decode(plot.pictures[0].image.partition("base64,")[2]).decode()
    ET.fromstring(svg)
    assert "<script>" not in svg
    assert worst.pictures[0].caption == f"{name} 1, is 0"


def test_without_a_test_split_the_validation_split_is_shown(splits: Splits) -> None:
    _, worst, _ = figures_of(replace(splits, test=None), TRUTH + 1)
    assert worst.title == "Worst answers (val)"
    assert worst.pictures[0].detail == "100/0"
