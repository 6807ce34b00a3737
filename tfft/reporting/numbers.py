"""What a report shows of numbers: truth against answer, and the pictures that are worst."""

from __future__ import annotations

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, png_uri, svg_uri


def number_figures(splits: Splits, evaluation: Evaluation, *, most: int = 12) -> list[Figure]:
    """Truth against answer, the worst and the best answers of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With answers by split, (examples, quantities).
        most: How many pictures to show of each kind.
    """
    name, examples = list(splits.items())[-1]
    truth, answers = np.asarray(examples.targets), evaluation.predictions[name]
    # errors of several quantities are comparable in parts of their spread
    error = (np.abs(answers - truth) / np.maximum(truth.std(axis=0), 1e-9)).max(axis=1)
    order = np.argsort(-error, kind="stable")

    def show(index: int) -> Shown:
        pairs = zip(splits.labels, answers[index], truth[index], strict=True)
        words = "; ".join(f"{label} {said:.4g}, is {is_:.4g}" for label, said, is_ in pairs)
        return Shown(image=png_uri(examples.inputs[index]), caption=words, detail=examples.where[index])

    plot = svg_uri(plots.truth_against_answer(truth, answers, splits.labels))
    return [
        Figure(f"Truth against answer ({name})", [Shown(plot, "on the line the answer is right")]),
        Figure(f"Worst answers ({name})", [show(index) for index in order[:most]]),
        Figure(f"Best answers ({name})", [show(index) for index in order[::-1][:most]]),
    ]
