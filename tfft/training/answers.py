"""Answers to the texts of splits, as texts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from tfft.data.examples import Splits

logger = logging.getLogger(__name__)

ASKED_TOGETHER = 32


def answer_splits(
    answer: Callable[[np.ndarray], list[str]], splits: Splits, names: Sequence[str] = ("val", "test")
) -> dict[str, list[str]]:
    """Answers to every text of some splits, in their order.

    Args:
        answer: From tokens, (batch, length), to texts, as a `sequence` task makes it of its model.
        splits: The data.
        names: Of the splits, where they are there.
    """
    found = {}
    for name, examples in splits.items():
        if name not in names:
            continue
        logger.info("Answering %s: %d texts", name, len(examples))
        order, tokens = examples.order, examples.rows
        starts = range(0, len(order), ASKED_TOGETHER)
        answers: list[str] = [""] * len(order)
        for start in tqdm(starts, desc=f"Answering {name}", unit=" batches", disable=None, leave=False):
            some = order[start : start + ASKED_TOGETHER]
            for position, text in zip(some, answer(tokens[some]), strict=True):
                answers[position] = text
        found[name] = answers
    return found
