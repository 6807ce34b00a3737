"""Boxes that are probably wrong or missing: the trained detector contradicts them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.box_errors import doubted_boxes
from tfft.evaluation.evaluation import Evaluation
from tfft.training.plan import Plan
from tfft.training.suspects import Suspect, suspects


def all_suspects(plan: Plan, scored: Evaluation) -> list[Suspect]:
    """Labels and boxes that are probably wrong, the likeliest first; nothing for tasks that have neither.

    Args:
        plan: A plan from `with_witnesses`, trained.
        scored: The evaluation of its model.
    """
    if scored.task == "detection":
        return suspect_boxes(plan.splits, scored.predictions)
    return suspects(plan, scored.predictions if scored.as_trained is None else scored.as_trained)


def suspect_boxes(splits: Splits, predictions: Mapping[str, Mapping[str, np.ndarray]]) -> list[Suspect]:
    """Boxes that are probably wrong or missing, see `doubted_boxes`, the likeliest first. The detector has been trained
    on the boxes of train and contradicts fewer of these.

    Args:
        splits: The data.
        predictions: Of the trained detector, by split.
    """
    doubted = []
    for split, answers in predictions.items():
        examples = getattr(splits, split)
        height, width = examples.inputs[0].shape[:2]
        for one in doubted_boxes(np.asarray(examples.targets), answers, splits.labels):
            box = tuple(np.divide(one.box, (width, height, width, height)).clip(0, 1).tolist())
            where = examples.where[one.position]
            doubted.append(Suspect(split, one.position, where, one.given, one.likely, one.doubt, one.reason, box))
    return sorted(doubted, key=lambda suspect: -suspect.doubt)
