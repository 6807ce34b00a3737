from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tfft.reporting import plots
from tfft.training import History

ROWS = [
    {"phase": p, "epoch": n, "learning_rate": 1e-3, "seconds": 1.0, "loss": 1 / n, "accuracy": 0.5,
     "val_loss": 1.5 / n, "val_accuracy": 0.4}
    for n, p in enumerate(("head", "head", "tune"), start=1)
]  # fmt: skip


def test_plots_are_whole_svgs_and_always_the_same() -> None:
    for svg in (plots.learning_curves(History(ROWS, 1)), plots.confusion([[5, 1], [0, 4]], ["ant", "bee"])):
        assert ET.fromstring(svg).tag.endswith("svg")
    assert plots.learning_curves(History(ROWS, 1)) == plots.learning_curves(History(ROWS, 1))
    assert plots.learning_curves(History(ROWS, 1)) != plots.learning_curves(History(ROWS, 2))


def test_one_epoch_is_enough() -> None:
    ET.fromstring(plots.learning_curves(History(ROWS[:1], 0)))


def test_odd_names_and_empty_classes() -> None:
    svg = plots.confusion([[0, 0], [0, 0]], ["$a$ & <b>", "x" * 200 + "\x1b"])
    ET.fromstring(svg)
    assert "x" * 31 not in svg


TRUTH = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1], [0, 0, 1]], bool)
CHANCES = np.array([[0.9, 0.2, 0.5], [0.3, 0.8, 0.6], [0.7, 0.6, 0.7], [0.1, 0.7, 0.8]])
THRESHOLDS = [0.5, 0.5, 0.5]


def test_precision_and_recall() -> None:
    svg = plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)
    ET.fromstring(svg)
    # in falling order right, wrong, right
    for known in ("1.000 ant", "0.833 bee", "1.000 cat"):
        assert f"<!-- {known} -->" in svg
    assert svg == plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)
    assert svg != plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], [0.5, 0.7, 0.5])


def test_of_many_curves_those_that_are_known_worst() -> None:
    truth, chances = np.eye(40, dtype=bool), np.eye(40)
    chances[:, 30] = 1 - chances[:, 30]
    svg = plots.precision_recall(truth, chances, [f"c{n}" for n in range(40)], [0.5] * 40)
    assert " c30 -->" in svg
    assert svg.count("<!-- 1.000 c") == plots.MOST_CURVES - 1


def test_a_label_that_no_picture_has_has_no_curve() -> None:
    truth = TRUTH & [True, False, True]
    assert " bee -->" not in plots.precision_recall(truth, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)
    ET.fromstring(plots.precision_recall(TRUTH & False, CHANCES, ["ant", "bee", "cat"], THRESHOLDS))


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_that_no_answer_reaches_or_every_one(threshold: float) -> None:
    ET.fromstring(plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], [threshold] * 3))


def test_truth_against_answer() -> None:
    truth = np.array([[1.0, 100], [2, 300]])
    svg = plots.truth_against_answer(truth, truth + 1, ["age", "steps"])
    ET.fromstring(svg)
    assert "<!-- age -->" in svg
    assert "<!-- steps -->" in svg
    assert "<image" not in svg
    assert svg == plots.truth_against_answer(truth, truth + 1, ["age", "steps"])
    ET.fromstring(plots.truth_against_answer(truth[:1], truth[:1], ["age", "steps"]))


def test_many_dots_are_one_picture() -> None:
    truth = np.arange(plots.MOST_DOTS + 1.0)[:, None]
    svg = plots.truth_against_answer(truth, truth, ["age"])
    assert "<image" in svg
    assert len(svg) < 100_000


@pytest.mark.parametrize("count", [1, 3, 10, 11, 30])
def test_colours_differ(count: int) -> None:
    shades = plots.colours(count)
    assert shades.shape == (count, 3)
    assert shades.min() >= 0
    assert 100 < shades.max() <= 255
    assert len({tuple(shade) for shade in shades.round().astype(int).tolist()}) == count


@pytest.mark.parametrize("count", [1, 6, 30])
def test_a_legend_has_every_name_in_its_colour(count: int) -> None:
    svg = plots.legend([f"c{n}" for n in range(count)], plots.colours(count))
    ET.fromstring(svg)
    for number, shade in enumerate(plots.colours(count)):
        assert f"<!-- c{number} -->" in svg
        assert "fill: #" + bytes(shade.round().astype(int).tolist()).hex() in svg


@pytest.mark.parametrize(
    "name", ["$x_<b>", "$a$", r"$\frac$", r"\$", "_hidden", "", "<script>", "a--b-", "\x1b[31m", "&"]
)
def test_odd_names_are_drawn_as_they_are(name: str) -> None:
    names = [name, name + "$"]
    truth, chances = TRUTH[:, :2], CHANCES[:, :2]
    for svg in (
        plots.legend(names, plots.colours(2)),
        plots.confusion([[5, 1], [0, 4]], names),
        plots.precision_recall(truth, chances, names, THRESHOLDS),
        plots.truth_against_answer(truth, chances, names),
    ):
        ET.fromstring(svg)
        assert "<script>" not in svg
        assert "Oblique" not in svg  # the font of mathematics
        if name.isidentifier():
            assert name in svg
