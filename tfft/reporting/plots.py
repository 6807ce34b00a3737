"""Figures as SVG text, without a display and without global state."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

MOST_CLASSES = 40
"""Rows of a confusion matrix; beyond it the classes that are confused most are shown."""


def learning_curves(rows: Sequence[Mapping[str, Any]], best: int) -> str:
    """Loss and metrics of training and validation over the epochs of all phases, as SVG.

    Args:
        rows: `History.rows`.
        best: Index of the row that the returned weights come from.
    """
    known = ("phase", "epoch", "learning_rate", "seconds")
    names = [name for name in rows[0] if name not in known and not name.startswith("val_")]
    figure = Figure(figsize=(5.2 * len(names), 3.4), layout="constrained")
    epochs = [row["epoch"] for row in rows]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, style in ((name, "--"), (f"val_{name}", "-")):
            if key in rows[0]:
                axes.plot(epochs, [row[key] for row in rows], style, marker=".", label=key)
        axes.axvline(epochs[best], color="grey", linewidth=0.8, linestyle=":", label="best")
        for before, after in itertools.pairwise(rows):
            if before["phase"] != after["phase"]:
                axes.axvline(after["epoch"] - 0.5, color="grey", linewidth=0.8)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_title(name)
        axes.legend()
    return _svg(figure)


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """A confusion matrix, rows true, columns predicted, as SVG; colour is the share of the true class.

    Of more than 40 classes, those with the most mistakes are shown.
    """
    counts = np.asarray(matrix)
    if len(labels) > MOST_CLASSES:
        mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
        chosen = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
        counts, labels = counts[np.ix_(chosen, chosen)], [labels[index] for index in chosen]
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
    names = [label.replace("$", r"\$") for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return _svg(figure)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    # a fixed salt and no date: the same figure is the same text; glyphs as paths need no font in the browser
    with rc_context({"svg.hashsalt": "tfft", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
