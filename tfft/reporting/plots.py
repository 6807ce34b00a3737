"""Figures as SVG text, without a display and without global state."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from tfft.errors import printable
from tfft.training.recording import History


def learning_curves(history: History) -> str:
    """Loss and metrics of training and validation over the epochs of all phases, as SVG."""
    rows, names = history.rows, history.metrics
    figure = Figure(figsize=(5.2 * len(names), 3.4), layout="constrained")
    epochs = [row["epoch"] for row in rows]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, style in ((name, "--"), (f"val_{name}", "-")):
            axes.plot(epochs, [row[key] for row in rows], style, marker=".", label=key)
        axes.axvline(history.best_row["epoch"], color="grey", linewidth=0.8, linestyle=":", label="best")
        for before, after in itertools.pairwise(rows):
            if before["phase"] != after["phase"]:
                axes.axvline(after["epoch"] - 0.5, color="grey", linewidth=0.8)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_title(name)
        axes.legend()
    return _svg(figure)


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """A confusion matrix, rows true, columns predicted, as SVG; colour is the share of the row."""
    counts = np.asarray(matrix)
    size = max(3.2, 0.42 * len(labels) + 1.6)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=8)
    # a dollar sign would start mathematics
    names = [shortened(label).replace("$", r"\$") for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return _svg(figure)


def shortened(label: str, most: int = 30) -> str:
    """A class name that fits beside an axis, without characters that no font draws."""
    label = printable(label)
    return label if len(label) <= most else label[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    # a fixed salt and no date: the same figure is the same text; glyphs as paths need no font in the browser
    with rc_context({"svg.hashsalt": "tfft", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
