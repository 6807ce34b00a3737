"""What a report shows of texts that were made: bad, typical and good answers, with the references."""

from __future__ import annotations

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting.figures import Figure, Shown, shortened


def answer_figures(splits: Splits, evaluation: Evaluation, *, most: int = 6) -> list[Figure]:
    """The worst, some typical and the best answers of the last split (test, or val), by chrF, beside their references.

    Args:
        splits: The data.
        evaluation: With a text for each example, by split.
        most: How many to show of each kind.
    """
    from sacrebleu import sentence_chrf

    name, said = list(evaluation.predictions.items())[-1]
    examples = getattr(splits, name)
    scores = [sentence_chrf(one, list(texts)).score for one, texts in zip(said, examples.references, strict=True)]
    order = np.argsort(scores, kind="stable")
    middle = max(0, len(order) // 2 - most // 2)

    def show(index: int) -> Shown:
        references = " / ".join(map(shortened, examples.references[index]))
        return Shown(
            image="",
            text=shortened(examples.texts[index]),
            caption=f"Answer: {shortened(said[index]) or '(nothing)'}",
            detail=f"Reference: {references}; chrF {scores[index]:.0f}; {examples.where[index]}",
        )

    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    return [
        Figure(f"{kind} answers ({name})", [show(index) for index in chosen], width=520)
        for kind, chosen in kinds.items()
    ]
