from __future__ import annotations

import numpy as np

from tfft.data import Splits, Texts
from tfft.evaluation import Evaluation
from tfft.reporting import answer_figures


def examples(count: int) -> Texts:
    names = [str(number) for number in range(count)]
    return Texts(
        np.zeros((count, 8), np.int32), np.zeros((count, 8), np.int32), names, [f"row {name}" for name in names],
        widths=np.full(count, 8), texts=np.array([f"source {name}" for name in names], object),
        references=[("the right words", "other words")] * count,
    )  # fmt: skip


def test_the_worst_and_the_best_are_shown_with_their_references() -> None:
    splits = Splits(examples(3), examples(3), None, [])
    evaluation = Evaluation({}, {"val": ["", "the right words", "the right"]})
    worst, typical, best = answer_figures(splits, evaluation, most=1)
    assert all("val" in figure.title for figure in (worst, typical, best))
    assert "words" not in worst.pictures[0].caption
    assert worst.pictures[0].text == "source 0"
    assert best.pictures[0].text == "source 1"
    assert "the right words" in best.pictures[0].caption
    for reference in ("the right words", "other words"):
        assert reference in best.pictures[0].detail
    assert typical.pictures[0].text == "source 2"
