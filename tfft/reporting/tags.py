"""Figures of a report on pictures with several labels: precision and recall, and some predictions."""

from __future__ import annotations

import numpy as np

from tfft.data.examples import Splits
from tfft.errors import listed
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.classes import reliability_figure
from tfft.reporting.figures import Figure, Shown, picture_uri, svg_uri
from tfft.reporting.words import SPLITS


def tag_figures(splits: Splits, evaluation: Evaluation, *, most: int = 12) -> list[Figure]:
    """Precision and recall of each label, worst and some correct predictions of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With probabilities by split, (examples, labels), and the score thresholds of the labels.
        most: Number of pictures of each kind.
    """
    name, examples = list(splits.items())[-1]
    truth, probabilities = np.asarray(examples.targets) > 0, evaluation.predictions[name]
    predicted = probabilities >= evaluation.thresholds
    wrong = np.flatnonzero((predicted != truth).any(axis=1))
    right = np.flatnonzero((predicted == truth).all(axis=1))
    # the largest error among the labels of a picture
    distance = np.abs(probabilities - truth).max(axis=1)
    worst = wrong[np.argsort(-distance[wrong], kind="stable")][:most]
    spread = right[np.linspace(0, len(right) - 1, min(most, len(right))).round().astype(int)] if len(right) else right

    def names(row: np.ndarray) -> str:
        return listed((splits.labels[index] for index in np.flatnonzero(row)), most=6) or "no label"

    def show(index: int) -> Shown:
        guess = names(predicted[index])
        fits = bool((predicted[index] == truth[index]).all())
        return Shown(
            image=picture_uri(examples.inputs[index]),
            caption=guess if fits else f"{guess}; true: {names(truth[index])}",
            detail=examples.where[index],
            right=fits,
        )

    plot, legend = plots.precision_recall(truth, probabilities, splits.labels, evaluation.thresholds)
    said = "Precision over recall of each label, with a dot at its threshold"
    curves = Figure(f"Precision and recall ({SPLITS[name]})", [Shown(svg_uri(plot), said)], legend=legend, small=False)
    return [
        curves,
        Figure(
            f"Worst predictions ({SPLITS[name]})", [show(i) for i in worst], f"{len(wrong)} of {len(examples)} wrong"
        ),
        Figure(f"Correct predictions ({SPLITS[name]})", [show(i) for i in spread], f"{len(right)} of {len(examples)}"),
        reliability_figure(name, np.asarray(examples.targets), probabilities),
    ]
