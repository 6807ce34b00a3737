"""Plots as SVG text, without a display and without global state."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfft.errors import printable
from tfft.evaluation.calibration import BINS
from tfft.evaluation.calibration import reliability as bins_of
from tfft.reporting.words import named
from tfft.training.recording import History

CURVES = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
          "#000080", "#808000")  # fmt: skip
"""Colours of curves that can be distinguished in one plot."""
MOST_CURVES = len(CURVES)
MOST_DOTS = 2000
"""Dots drawn one by one; more are drawn as one bitmap, since a browser would be slow."""


def learning_curves(history: History) -> str:
    """Training and validation loss and metrics over the epochs of all phases, as one SVG."""
    names = history.metrics
    figure = Figure(figsize=(5.2 * len(names), 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _draw_curve(axes, history, name)
    return as_svg(figure)


def learning_curve(history: History, name: str) -> str:
    """The loss or one metric over the epochs of all phases, as SVG."""
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    _draw_curve(figure.subplots(), history, name)
    return as_svg(figure)


def _draw_curve(axes: Axes, history: History, name: str) -> None:
    rows = history.rows
    epochs = [row["epoch"] for row in rows]
    for key, style, label in ((name, "--", "training"), (f"val_{name}", "-", "validation")):
        if key in rows[0]:  # some are computed for validation only
            axes.plot(epochs, [row[key] for row in rows], style, marker=".", label=label)
    axes.axvline(history.best_row["epoch"], color="grey", linewidth=0.8, linestyle=":", label="best epoch")
    starts = [rows[0], *(after for before, after in itertools.pairwise(rows) if before["phase"] != after["phase"])]
    for row in starts:
        if row is not rows[0]:
            axes.axvline(row["epoch"] - 0.5, color="grey", linewidth=0.8)
        said = {"va": "top", "rotation": 90, "fontsize": 8, "color": "grey", "transform": axes.get_xaxis_transform()}
        axes.text(row["epoch"] - 0.48, 0.98, plain(row["phase"]), **said)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(named(name))
    axes.legend()


def precision_recall(
    truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], thresholds: Sequence[float]
) -> tuple[str, list[tuple[str, str]]]:
    """Precision over recall of each label, with a dot at its threshold, of many labels the worst.

    Args:
        truth: True labels, (examples, labels), bool.
        probabilities: Predicted, (examples, labels).
        labels: Names of the labels.
        thresholds: Score threshold of each label, (labels,).

    Returns:
        The plot as SVG, and the colour of each label with its name and average precision.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    present = [index for index in range(len(labels)) if truth[:, index].any()]
    area = {index: average_precision_score(truth[:, index], probabilities[:, index]) for index in present}
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    legend = []
    for index in sorted(present, key=area.__getitem__)[:MOST_CURVES]:
        precision, recall, cuts = precision_recall_curve(truth[:, index], probabilities[:, index])
        colour = CURVES[len(legend)]
        axes.step(recall, precision, where="post", color=colour)
        place = min(int(np.searchsorted(cuts, thresholds[index])), len(cuts) - 1)
        axes.plot(recall[place], precision[place], "o", color=colour)
        legend.append((colour, f"{labels[index]}: average precision {area[index]:.3f}"))
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.03)
    return as_svg(figure), legend


def box_curves(
    curves: Sequence[np.ndarray | None], labels: Sequence[str], thresholds: Sequence[float]
) -> tuple[str, list[tuple[str, str]]]:
    """Precision over recall of the boxes of each class, with a dot at its threshold, of many classes the worst.

    Args:
        curves: From `recall_curves`.
        labels: Names of the classes.
        thresholds: Score threshold of each class.

    Returns:
        The plot as SVG, and the colour of each class with its name and its area.
    """
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes, legend = figure.subplots(), []
    known = {index: curve for index, curve in enumerate(curves) if curve is not None}
    area = {index: _under(curve) for index, curve in known.items()}
    for index in sorted(known, key=area.__getitem__)[:MOST_CURVES]:
        recall, precision, scores = known[index]
        colour = CURVES[len(legend)]
        axes.step(recall, precision, where="post", color=colour)
        if above := int((scores >= thresholds[index]).sum()):
            axes.plot(recall[above - 1], precision[above - 1], "o", color=colour)
        legend.append((colour, f"{labels[index]}: area {area[index]:.3f}"))
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.03)
    return as_svg(figure), legend


def _under(curve: np.ndarray) -> float:
    """The area under precision over recall, where precision is the highest at this recall or above."""
    highest = np.maximum.accumulate(curve[1][::-1])[::-1]
    return float((np.diff(curve[0], prepend=0) * highest).sum())


def reliability(probabilities: np.ndarray, right: np.ndarray) -> str:
    """The share of right predictions by probability, above a histogram of the probabilities, as SVG.

    Args:
        probabilities: Of the predictions, (predictions,).
        right: Whether each is right, (predictions,).
    """
    means, shares, _ = bins_of(probabilities, right)
    figure = Figure(figsize=(4.4, 4.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    above.plot(means, shares, marker=".")
    above.set_ylabel("share right")
    below.hist(probabilities, bins=BINS, range=(0, 1))
    below.set_ylabel("predictions")
    below.set_xlabel("probability")
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


def legend(labels: Sequence[str], shades: np.ndarray) -> list[tuple[str, str]]:
    """Colours, (labels, 3), in [0, 255], as in CSS, each with its name."""
    tones = [f"rgb({', '.join(str(int(part)) for part in np.rint(shade))})" for shade in shades]
    return list(zip(tones, labels, strict=True))


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
