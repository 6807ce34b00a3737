"""Figures of a report on generated texts: bad, typical and good ones, with their references."""

from __future__ import annotations

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting.figures import Figure, Shown, shortened
from tfft.reporting.words import SPLITS


def answer_figures(splits: Splits, evaluation: Evaluation, *, most: int = 6) -> list[Figure]:
    """The worst, some typical and the best generated texts of the last split (test, or val), by chrF.

    Args:
        splits: The data.
        evaluation: With a generated text for each example, by split.
        most: Number of texts of each kind.
    """
    from sacrebleu import sentence_chrf

    name, generated = list(evaluation.predictions.items())[-1]
    examples = getattr(splits, name)
    pairs = zip(generated, examples.references, strict=True)
    scores = [sentence_chrf(text, list(references)).score for text, references in pairs]
    order = np.argsort(scores, kind="stable")
    middle = max(0, len(order) // 2 - most // 2)

    def show(index: int) -> Shown:
        references = " / ".join(map(shortened, examples.references[index]))
        return Shown(
            image="",
            text=shortened(examples.texts[index]),
            caption=f"Generated: {shortened(generated[index]) or '(nothing)'}",
            detail=f"Reference: {references}; chrF {scores[index]:.0f}; {examples.where[index]}",
        )

    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    return [
        Figure(f"{kind} texts ({SPLITS[name]})", [show(index) for index in chosen], width=520)
        for kind, chosen in kinds.items()
    ]
