"""Generated texts for whole splits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from tfft.data.examples import Splits
from tfft.errors import counted

logger = logging.getLogger(__name__)

ASKED_TOGETHER = 32
"""Examples in a batch."""


def answer_splits(
    answer: Callable[[np.ndarray], list[str]], splits: Splits, names: Sequence[str] = ("val", "test")
) -> dict[str, list[str]]:
    """By split, the text generated for each example, in the order of the examples.

    Args:
        answer: From tokens, (batch, length), to generated texts: the `answering` of a `sequence` task.
        splits: The data.
        names: The splits to use; those that do not exist are skipped.
    """
    generated = {}
    for name, examples in splits.items():
        if name not in names:
            continue
        logger.info("Generating texts for %s: %s", name, counted(len(examples), "example"))
        order, tokens = examples.order, examples.rows
        starts = range(0, len(order), ASKED_TOGETHER)
        texts: list[str] = [""] * len(order)
        for start in tqdm(starts, desc=f"Generating texts for {name}", unit=" batches", disable=None, leave=False):
            positions = order[start : start + ASKED_TOGETHER]
            for position, text in zip(positions, answer(tokens[positions]), strict=True):
                texts[position] = text
        generated[name] = texts
    return generated
