from __future__ import annotations

import xml.etree.ElementTree as ET

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
