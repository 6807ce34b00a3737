"""Figures of a report on numbers: predicted over true values, and the worst and best pictures."""

from __future__ import annotations

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, picture_uri, svg_uri
from tfft.reporting.words import SPLITS


def number_figures(splits: Splits, evaluation: Evaluation, *, most: int = 12) -> list[Figure]:
    """Predicted over true values, worst and best predictions of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With predicted numbers by split, (examples, quantities).
        most: Number of pictures of each kind.
    """
    name, examples = list(splits.items())[-1]
    truth, predictions = np.asarray(examples.targets), evaluation.predictions[name]
    # divided by the spread, so that the errors of several quantities are comparable
    error = (np.abs(predictions - truth) / np.maximum(truth.std(axis=0), 1e-9)).max(axis=1)
    order = np.argsort(-error, kind="stable")

    def show(index: int) -> Shown:
        rows = zip(splits.labels, predictions[index], truth[index], strict=True)
        caption = "; ".join(f"{label} {predicted:.4g}, true: {true:.4g}" for label, predicted, true in rows)
        return Shown(image=picture_uri(examples.inputs[index]), caption=caption, detail=examples.where[index])

    plot = svg_uri(plots.truth_against_answer(truth, predictions, splits.labels))
    return [
        Figure(
            f"Predicted over true values ({SPLITS[name]})",
            [Shown(plot, "Predictions on the line are exact")],
            small=False,
        ),
        Figure(f"Worst predictions ({SPLITS[name]})", [show(index) for index in order[:most]]),
        Figure(f"Best predictions ({SPLITS[name]})", [show(index) for index in order[::-1][:most]]),
    ]
