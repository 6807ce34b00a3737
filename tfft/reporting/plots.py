"""Plots as SVG text, without a display and without global state."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from tfft.errors import printable
from tfft.training.recording import History

MOST_CURVES = 12
"""Curves that can be distinguished in one plot."""
MOST_DOTS = 2000
"""Dots drawn one by one; more are drawn as one bitmap, since a browser would be slow."""


def learning_curves(history: History) -> str:
    """Training and validation loss and metrics over the epochs of all phases, as SVG."""
    rows, names = history.rows, history.metrics
    figure = Figure(figsize=(5.2 * len(names), 3.4), layout="constrained")
    epochs = [row["epoch"] for row in rows]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, style in ((name, "--"), (f"val_{name}", "-")):
            if key in rows[0]:  # some are computed for validation only
                axes.plot(epochs, [row[key] for row in rows], style, marker=".", label=key)
        axes.axvline(history.best_row["epoch"], color="grey", linewidth=0.8, linestyle=":", label="best")
        for before, after in itertools.pairwise(rows):
            if before["phase"] != after["phase"]:
                axes.axvline(after["epoch"] - 0.5, color="grey", linewidth=0.8)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_title(name)
        axes.legend()
    return as_svg(figure)


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """A confusion matrix, rows true, columns predicted, as SVG; the colour is the share of the row."""
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
    names = [plain(label) for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return as_svg(figure)


def precision_recall(
    truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], thresholds: Sequence[float]
) -> str:
    """Precision over recall of each label, with a dot at its threshold, as SVG; of many labels, the worst.

    Args:
        truth: True labels, (examples, labels), bool.
        probabilities: Predicted, (examples, labels).
        labels: Names of the labels.
        thresholds: Score threshold of each label, (labels,).
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    present = [index for index in range(len(labels)) if truth[:, index].any()]
    area = {index: average_precision_score(truth[:, index], probabilities[:, index]) for index in present}
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for index in sorted(present, key=area.__getitem__)[:MOST_CURVES]:
        precision, recall, cuts = precision_recall_curve(truth[:, index], probabilities[:, index])
        label = f"{area[index]:.3f} {plain(labels[index])}"
        (line,) = axes.step(recall, precision, where="post", label=label)
        place = min(int(np.searchsorted(cuts, thresholds[index])), len(cuts) - 1)
        axes.plot(recall[place], precision[place], "o", color=line.get_color())
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.03)
    if present:
        axes.legend(title="average precision", loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    return as_svg(figure)


def truth_against_answer(truth: np.ndarray, answers: np.ndarray, names: Sequence[str]) -> str:
    """Predicted over true values, (examples, quantities), a dot for each example, as SVG."""
    figure = Figure(figsize=(4.4 * len(names), 4.2), layout="constrained")
    for index, (axes, name) in enumerate(zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True)):
        axes.plot(truth[:, index], answers[:, index], ".", alpha=0.5, rasterized=len(truth) > MOST_DOTS)
        ends = [
            min(truth[:, index].min(), answers[:, index].min()),
            max(truth[:, index].max(), answers[:, index].max()),
        ]
        axes.plot(ends, ends, color="grey", linewidth=0.8)
        axes.set_xlabel("true")
        axes.set_ylabel("predicted")
        axes.set_title(plain(name))
    return as_svg(figure)


def colours(count: int) -> np.ndarray:
    """Distinct colours, (count, 3), in [0, 255]."""
    from matplotlib import colormaps

    palette = np.array(colormaps["tab10"].colors)
    return 255 * (palette[:count] if count <= len(palette) else colormaps["hsv"](np.arange(count) / count)[:, :3])


def legend(labels: Sequence[str], shades: np.ndarray) -> str:
    """Names beside their colours, (labels, 3), in [0, 255], as SVG."""
    from matplotlib.patches import Patch

    columns = min(6, len(labels))
    figure = Figure(figsize=(1.7 * columns, 0.3 * math.ceil(len(labels) / columns) + 0.2))
    patches = [Patch(color=shade / 255, label=plain(name)) for name, shade in zip(labels, shades, strict=True)]
    figure.legend(handles=patches, loc="center", ncols=columns, frameon=False, fontsize=9)
    return as_svg(figure)


def shortened(label: str, most: int = 30) -> str:
    """A class name short enough for an axis, without characters that no font has."""
    label = printable(label)
    return label if len(label) <= most else label[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def plain(label: str) -> str:
    """A class name for matplotlib, where a dollar sign would start a formula."""
    return shortened(label).replace("$", r"\$")


def as_svg(figure: Figure) -> str:
    """A figure as SVG text."""
    text = io.StringIO()
    # fixed salt and no date: equal figures are equal texts; glyphs as paths need no font in the browser
    with rc_context({"svg.hashsalt": "tfft", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
