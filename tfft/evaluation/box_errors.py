"""Boxes that are probably wrong: a detector is sure of something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfft.evaluation.boxes import overlaps_of

SAME, APART = 0.5, 0.1
"""Overlap (IoU) from which on two boxes are of one object, and below which they have nothing to do with each other."""
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
    targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str], thresholds: np.ndarray
) -> Iterator[DoubtedBox]:
    """Yields boxes whose class, place or absence a detector contradicts, picture by picture.

    The three kinds are those of ObjectLab (Tkachenko, Thyagarajan and Mueller 2023, arXiv:2309.00832). A box of one
    class where only another is seen; a box that overlaps what is seen of its class by less than half; and an object
    that is seen where no box is. What is seen are the predictions above the threshold of their class.

    Args:
        targets: As for `detection_scores`.
        answers: As for `detection_scores`.
        labels: Names of the classes.
        thresholds: Score threshold of each class, (classes,).
    """
    pictures = zip(targets, answers["boxes"], answers["scores"], answers["labels"], strict=True)
    for position, (rows, boxes, scores, classes) in enumerate(pictures):
        seen = np.flatnonzero((classes >= 0) & (scores >= thresholds[classes]))
        seen = seen[np.argsort(-scores[seen], kind="stable")]
        for given, index, doubt, reason in _contradicted(
            rows[rows[:, 4] >= 0], boxes[seen], scores[seen], classes[seen], labels
        ):
            box = tuple(map(float, boxes[seen][index]))
            likely = labels[classes[seen][index]]
            yield DoubtedBox(position, given, likely, float(doubt), reason, box)


def _contradicted(
    truth: np.ndarray, boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[str, int, float, str]]:
    """Of one picture, yields the class given or `MISSING`, the index of the prediction that contradicts it, the doubt
    and the reason. The predictions are sorted, the highest score first."""
    overlaps = overlaps_of(boxes, truth[:, :4])
    same, hits = classes[:, None] == truth[None, :, 4], overlaps >= SAME
    explained = np.any(hits & same, axis=1)
    for place in np.flatnonzero(~np.any(hits & same, axis=0)):
        given = labels[int(truth[place, 4])]
        others = hits[:, place] & ~explained
        near = same[:, place] & (overlaps[:, place] >= APART) & ~explained
        if others.any():
            first = int(others.argmax())
            said = f"the detector sees {labels[classes[first]]} there, with a score of {scores[first]:.2f}"
            yield given, first, (1 + scores[first]) / 2, said
        elif near.any():
            first = int(near.argmax())
            overlap = overlaps[first, place]
            said = f"the detector's box, with a score of {scores[first]:.2f}, overlaps it by {overlap:.0%} (IoU)"
            yield given, first, (1 + scores[first] * (1 - overlap)) / 2, said
        explained |= others if others.any() else near
    missing = np.flatnonzero(~explained & ~np.any(hits, axis=1))
    apart = overlaps_of(boxes, boxes) < SAME
    for rank, index in enumerate(missing):
        if np.all(apart[index, missing[:rank]]):
            said = f"the detector sees one there, with a score of {scores[index]:.2f}"
            yield MISSING, int(index), (1 + scores[index]) / 2, said
