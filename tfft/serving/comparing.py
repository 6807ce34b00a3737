"""An export beside the trained model: the same examples, one at a time."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import tree
from tqdm import tqdm

from tfft.errors import DataError, counted
from tfft.serving.answers import Answer, Boxes, Label, Mask, Numbers, Tags, Unreadable
from tfft.serving.contract import Contract
from tfft.serving.outputs import Outputs
from tfft.serving.predictor import Predictor, answer_of
from tfft.serving.scoring import Truths, scored_part, scores_of_parts

SAME_NUMBER = 0.02
"""Numbers agree if they differ by at most this fraction."""


@dataclass(frozen=True)
class Compared:
    """How an export answers beside the trained model."""

    examples: int
    difference: float
    """The largest difference of an output, relative to the largest output if that is above 1."""
    agreement: float
    """The share of examples with the same answer; of masks the share of pixels."""
    name: str
    """Of the score, the most important one of the task."""
    score: float
    """Of the trained model on these examples."""
    exported: float
    """Of the export."""
    milliseconds: float
    """Of the export for one example, in its own runtime: the median."""
    reference: float
    """The same of the trained model."""

    @property
    def change(self) -> float:
        """How much the score changes, where 1 is the best one: a better score is a difference, too."""
        return abs(self.score - self.exported) / (100 if self.name in ("bleu", "rouge1") else 1)


def compare(predict: Predictor, exported: Outputs, truths: Truths) -> Compared:
    """Compares an export with the trained model.

    Args:
        predict: The model.
        exported: From a batch as the model takes it to outputs.
        truths: Held-out examples.

    Raises:
        DataError: If no example can be read.
    """
    parts: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
    seconds: tuple[list[float], list[float]] = ([], [])
    differences, agreements, largest = [], [], 1.0
    for position, asked in enumerate(tqdm(truths.items, "Comparing", len(truths), disable=None, leave=False)):
        read = predict.reader.read(asked)
        if isinstance(read, Unreadable):
            continue
        outputs = []
        for side, ask in enumerate((predict.outputs, exported)):
            output, took = _timed(ask, predict.reader.batch([read]))
            if predict.task == "classification":  # probabilities of integers sum to 1 only nearly
                output = output / output.sum()
            seconds[side].append(took)
            parts[side][position] = scored_part(predict, truths, position, output)
            outputs.append(output)
        difference, size = _difference(predict.contract, *outputs)
        differences.append(difference)
        largest = max(largest, size)
        agreements.append(_agreement(*(answer_of(predict.contract, read, output) for output in outputs)))
    if not differences:
        raise DataError(f"None of {counted(len(truths), 'held-out example')} can be read", fix="Name others: `--data`")
    scores, others = (scores_of_parts(predict, truths, side) for side in parts)
    name = next(name for name, value in scores.items() if isinstance(value, float))
    reference, milliseconds = (1000 * statistics.median(side) for side in seconds)
    return Compared(
        len(differences),
        max(differences) / largest,
        statistics.mean(agreements),
        name,
        scores[name],
        others[name],
        milliseconds,
        reference,
    )


def _timed(outputs: Outputs, batch: np.ndarray) -> tuple[Any, float]:
    """The outputs for a batch of one, and the seconds that they took."""
    start = time.perf_counter()
    found = outputs(batch)
    seconds = time.perf_counter() - start
    return found[0] if isinstance(found, list) else tree.map_structure(lambda rows: rows[0], found), seconds


def _difference(contract: Contract, one: Any, other: Any) -> tuple[float, float]:
    """The largest difference between the outputs for an example, and the largest output."""
    if contract.generation is not None:
        return float(one != other), 1.0
    if contract.task == "detection":  # boxes of nearly equal scores may change places
        one, other = one["scores"], other["scores"]
    return float(np.abs(one - other).max()), float(np.abs(one).max())


def _agreement(one: Answer, other: Answer) -> float:
    """Whether two answers are the same; of masks the share of equal pixels."""
    match one:
        case Label():
            return float(one.label == other.label)
        case Tags():
            return float(set(one.tags) == set(other.tags))
        case Numbers():
            pairs = zip(one.values.values(), other.values.values(), strict=True)
            return float(all(math.isclose(*pair, rel_tol=SAME_NUMBER) for pair in pairs))
        case Boxes():
            return float(Counter(box.label for box in one.boxes) == Counter(box.label for box in other.boxes))
        case Mask():
            return float((one.mask == other.mask).mean())
    return float(one == other)
