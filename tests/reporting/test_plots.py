from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

from tfft.reporting import plots
from tfft.training import History

ROWS = [
    {"phase": p, "epoch": n, "learning_rate": 1e-3, "seconds": 1.0, "loss": 1 / n, "accuracy": 0.5,
     "val_loss": 1.5 / n, "val_accuracy": 0.4}
    for n, p in enumerate(("head", "head", "tune"), start=1)
]  # fmt: skip


def test_learning_curves_are_the_same_text_each_time() -> None:
    svg = plots.learning_curves(History(ROWS, 1))
    assert ET.fromstring(svg).tag.endswith("svg")
    assert plots.learning_curves(History(ROWS, 1)) == svg
    assert plots.learning_curves(History(ROWS, 2)) != svg
    ET.fromstring(plots.learning_curves(History(ROWS[:1], 0)))  # one epoch is enough


TRUTH = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1], [0, 0, 1]], bool)
CHANCES = np.array([[0.9, 0.2, 0.5], [0.3, 0.8, 0.6], [0.7, 0.6, 0.7], [0.1, 0.7, 0.8]])
THRESHOLDS = [0.5, 0.5, 0.5]


def test_precision_and_recall() -> None:
    svg, legend = plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)
    ET.fromstring(svg)
    # in falling order right, wrong, right
    areas = {text.partition(":")[0]: text.split()[-1] for _, text in legend}
    assert areas == {"ant": "1.000", "bee": "0.833", "cat": "1.000"}
    assert all(colour in svg for colour, _ in legend)
    assert svg != plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], [0.5, 0.7, 0.5])[0]


def test_of_many_curves_those_that_are_known_worst() -> None:
    truth, chances = np.eye(40, dtype=bool), np.eye(40)
    chances[:, 30] = 1 - chances[:, 30]
    _, legend = plots.precision_recall(truth, chances, [f"c{n}" for n in range(40)], [0.5] * 40)
    texts = [text for _, text in legend]
    assert texts[0].startswith("c30:")
    assert sum("1.000" in text for text in texts) == plots.MOST_CURVES - 1


def test_a_label_that_no_picture_has_has_no_curve() -> None:
    truth = TRUTH & [True, False, True]
    _, legend = plots.precision_recall(truth, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)
    assert [text.partition(":")[0] for _, text in legend] == ["ant", "cat"]
    ET.fromstring(plots.precision_recall(TRUTH & False, CHANCES, ["ant", "bee", "cat"], THRESHOLDS)[0])


def test_a_threshold_that_no_answer_reaches_or_every_one() -> None:
    ET.fromstring(plots.precision_recall(TRUTH, CHANCES, ["ant", "bee", "cat"], [0.0, 1.0, 0.5])[0])


def test_truth_against_answer() -> None:
    truth = np.array([[1.0, 100], [2, 300]])
    svg = plots.truth_against_answer(truth, truth + 1, ["age", "steps"])
    ET.fromstring(svg)
    assert "<!-- age -->" in svg
    assert "<!-- steps -->" in svg
    assert "<image" not in svg
    ET.fromstring(plots.truth_against_answer(truth[:1, :1], truth[:1, :1], ["age"]))


def test_many_dots_are_one_picture() -> None:
    truth = np.arange(plots.MOST_DOTS + 1.0)[:, None]
    svg = plots.truth_against_answer(truth, truth, ["age"])
    assert "<image" in svg
    assert len(svg) < 100_000


def test_colours_differ() -> None:
    for count in (1, 10, 11, 30):
        shades = plots.colours(count)
        assert shades.shape == (count, 3)
        assert shades.min() >= 0
        assert 100 < shades.max() <= 255
        assert len({tuple(shade) for shade in shades.round().astype(int).tolist()}) == count


def test_a_legend_has_every_name_in_its_colour() -> None:
    shades = np.array([[255.0, 0, 12.6], [0, 1, 2]])
    assert plots.legend(["ant", "<b>"], shades) == [("rgb(255, 0, 13)", "ant"), ("rgb(0, 1, 2)", "<b>")]


def test_calibration_and_the_curves_of_boxes() -> None:
    ET.fromstring(plots.reliability(np.array([0.1, 0.9, 0.95]), np.array([False, True, True])))
    curves = [np.array([[0.5, 0.5, 1.0], [1.0, 0.5, 2 / 3], [0.9, 0.8, 0.3]]), None]
    svg, legend = plots.box_curves(curves, ["ant", "bee"], [0.5, 0.5])
    ET.fromstring(svg)
    assert [text for _, text in legend] == ["ant: area 0.833"]
    ET.fromstring(plots.box_curves([None], ["ant"], [0.5])[0])


def test_odd_names_are_drawn_as_they_are() -> None:
    names = ["$x_<b>", "$a$", r"$\frac$", r"\$", "_hidden", "", "<script>", "a--b-", "\x1b[31m", "&"]
    names += [f"{name}$" for name in names]
    for part in (names[start : start + 3] for start in range(0, len(names) - 2, 3)):
        svg = plots.truth_against_answer(CHANCES, CHANCES, part[:3])
        ET.fromstring(svg)
        assert "<script>" not in svg
        assert "Oblique" not in svg  # the font of mathematics
