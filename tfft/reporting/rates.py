"""What a range test has seen: a table, and the losses over the learning rate."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure as Plot

from tfft import files
from tfft.reporting.plots import as_svg
from tfft.training.rising import RangeTest

HIGHEST = 3
"""Times the validation loss at the start that the plot shows; what lies above is breakdown."""


def write_rates(test: RangeTest, folder: Path) -> None:
    """Writes `learning_rates.csv`, a row for each learning rate, and `learning_rates.svg`."""
    files.write_csv(folder / "learning_rates.csv", test.rows)
    files.write_text(folder / "learning_rates.svg", losses_over_rate(test))


def losses_over_rate(test: RangeTest) -> str:
    """Training and validation loss over the learning rate, with the suggestion, as SVG."""
    figure = Plot(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, style in (("loss", "--"), ("val_loss", "-")):
        points = [(row["learning_rate"], row[name]) for row in test.rows if math.isfinite(row[name])]
        axes.plot(*zip(*points, strict=True), style, marker=".", label=name)
    axes.axhline(test.start, color="grey", linewidth=0.8, linestyle=":", label="val_loss at the start")
    axes.axvline(test.suggestion, color="C3", linewidth=1, label=f"suggestion {test.suggestion:g}")
    axes.set_xscale("log")
    axes.set_ylim(0, HIGHEST * test.start)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.legend()
    return as_svg(figure)
