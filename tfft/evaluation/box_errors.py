"""Boxes that are probably wrong: a detector is sure of something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfft.evaluation.boxes import LEAST_SCORE, overlaps_of

SAME, APART = 0.5, 0.1
"""Overlap (IoU) from which on two boxes are of one object, and below which they have nothing to do with each other."""
SURE = 0.25
"""Least score of a prediction that contradicts a box. Of boxes of playing cards that were removed on purpose, 19 of 22
are then listed (`benchmarks/box_errors.py`)."""
MISSING = "no box"
"""What is given where a box is probably missing."""


@dataclass(frozen=True)
class DoubtedBox:
    """A box that is probably wrong, or missing."""

    position: int
    """Of the picture, in its split."""
    given: str
    """Its class, or `MISSING`."""
    likely: str
    """The class that it probably should have."""
    doubt: float
    """In [0, 1], 0.5 where both are as probable."""
    reason: str
    box: tuple[float, float, float, float]
    """Where the detector sees it: left, top, right and bottom in pixels of the model's input."""


def doubted_boxes(
    targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str]
) -> Iterator[DoubtedBox]:
    """Yields boxes whose class, place or absence a detector contradicts, picture by picture.

    The three kinds are those of ObjectLab (Tkachenko, Thyagarajan and Mueller 2023, arXiv:2309.00832). A box that the
    detector gives another class with a higher score; a box that overlaps what the detector sees of its class by less
    than half; and an object that it sees where no box is, which may also stand in a crowd that the data mark as one.

    Args:
        targets: As for `detection_scores`.
        answers: As for `detection_scores`.
        labels: Names of the classes.
    """
    pictures = zip(targets, answers["boxes"], answers["scores"], answers["labels"], strict=True)
    for position, (rows, boxes, scores, classes) in enumerate(pictures):
        kept = np.flatnonzero((classes >= 0) & (scores >= LEAST_SCORE))
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
        for given, index, doubt, reason in _contradicted(rows[rows[:, 4] >= 0], boxes, scores, classes, labels):
            box = tuple(map(float, boxes[index]))
            yield DoubtedBox(position, given, labels[classes[index]], float(doubt), reason, box)


def _contradicted(
    truth: np.ndarray, boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[str, int, float, str]]:
    """Of one picture, yields the class given or `MISSING`, the index of the prediction that contradicts it, the doubt
    and the reason. The predictions are sorted, the highest score first."""
    overlaps = overlaps_of(boxes, truth[:, :4])
    same, hits = classes[:, None] == truth[None, :, 4], overlaps >= SAME
    right = np.any(hits & same, axis=1)
    given_scores = np.where(hits & same, scores[:, None], 0).max(axis=0, initial=0)
    explained = (scores < SURE) | hits.any(axis=1)
    for place, given_score in enumerate(given_scores):
        given = labels[int(truth[place, 4])]
        others = np.flatnonzero(hits[:, place] & ~right & (scores > max(given_score, SURE)))
        near = same[:, place] & (overlaps[:, place] >= APART)
        moved = np.flatnonzero(near & ~explained)
        if len(others):
            first = int(others[0])
            said = f"the detector sees {labels[classes[first]]} there, with a score of {scores[first]:.2f}"
            yield given, first, (1 + scores[first] - given_score) / 2, said
        elif given_score < SURE and len(moved):
            first = int(moved[0])
            overlap = overlaps[first, place]
            said = f"the detector's box, with a score of {scores[first]:.2f}, overlaps it by {overlap:.0%} (IoU)"
            yield given, first, (1 + scores[first] * (1 - overlap) - given_score) / 2, said
        explained |= near
    apart = overlaps_of(boxes, boxes) < SAME
    missing = np.flatnonzero(~explained)
    for rank, index in enumerate(missing):
        if np.all(apart[index, missing[:rank]]):
            said = f"the detector sees one there, with a score of {scores[index]:.2f}"
            yield MISSING, int(index), scores[index], said
