"""Labels that are probably wrong: examples that others like them contradict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfft.data.examples import Splits
from tfft.errors import listed
from tfft.training.plan import Plan

EVEN = 0.5
"""The doubt of an example for which another label is as probable as the one given; more are listed."""


@dataclass(frozen=True)
class Suspect:
    """An example, or a box on it, whose label is probably wrong."""

    split: str
    position: int
    """In its split."""
    where: str
    given: str
    """The label that it has; of tags `"bee"` or `"no bee"`."""
    likely: str
    """The label that it probably should have."""
    doubt: float
    """How sure others are, in [0, 1], of another label: of examples heads and neighbours, of boxes the detector; the
    list is sorted by it."""
    reason: str
    box: tuple[float, float, float, float] | None = None
    """Where a detector sees the object: left, top, right and bottom, as fractions of the picture's width and height;
    None if the label belongs to the whole example."""

    @property
    def row(self) -> dict[str, Any]:
        """As a row of `suspects.csv`."""
        return {
            "example": self.where,
            "split": self.split,
            "label": self.given,
            "likely": self.likely,
            "doubt": round(self.doubt, 4),
            "reason": self.reason,
            **({} if self.box is None else {"box": " ".join(f"{number:.3f}" for number in self.box)}),
        }


def suspects(plan: Plan, predictions: Mapping[str, np.ndarray]) -> list[Suspect]:
    """Examples whose labels are probably wrong, the likeliest first.

    Equal examples with different labels come first. For the others two witnesses speak. One is a head that never saw
    the example: for training examples ridge regression on frozen features of all the others (Allen 1974, "PRESS", in
    closed form), for the others the trained model. The other is the ten nearest neighbours among the training and
    validation examples, by the frozen features. The doubt grows with the mean of their probabilities for the best other
    label, less that for the label given, in the spirit of confident learning (Northcutt, Jiang and Chuang 2021,
    arXiv:1911.00068).

    Args:
        plan: A plan from `with_witnesses`, trained.
        predictions: Probabilities by split, (examples, classes).
    """
    if plan.task.mixing not in ("class", "tags"):
        return []
    twice = list(_contradictions(plan.splits))
    if plan.witnesses is None:
        return twice
    heads, found = {**predictions, "train": plan.witnesses.heads}, []
    for split, examples in plan.splits.items():
        truth = np.asarray(examples.targets)
        judge = _doubted_tags if truth.ndim == 2 else _doubted_classes
        witnesses = heads[split], plan.witnesses.votes.get(split)
        for position, given, likely, doubt, said in judge(truth, *witnesses, plan.splits.labels):
            found.append(Suspect(split, position, examples.where[position], given, likely, doubt, said))
    known = {(one.split, one.position) for one in twice}
    others = [one for one in found if (one.split, one.position) not in known]
    return twice + sorted(others, key=lambda suspect: -suspect.doubt)


def _contradictions(splits: Splits) -> Iterator[Suspect]:
    """Yields each of some equal examples whose labels differ."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for split, examples in splits.items():
        for position, digest in enumerate(examples.ids):
            groups.setdefault(digest, []).append((split, position))

    def named(split: str, position: int) -> str:
        truth = np.atleast_1d(np.asarray(getattr(splits, split).targets)[position])
        return splits.labels[truth[0]] if len(truth) == 1 < len(splits.labels) else _tags(truth, splits.labels)

    for group in groups.values():
        labels = [named(*place) for place in group] if len(group) > 1 else []
        if len(set(labels)) < 2:
            continue
        (usual, most), (_, second) = Counter(labels).most_common(2)
        for (split, position), label in zip(group, labels, strict=True):
            if label == usual and most > second:
                continue  # the others are wrong
            (other, place), likely = next(pair for pair in zip(group, labels, strict=True) if pair[1] != label)
            same = f"the same as {getattr(splits, other).where[place]}, which is labelled {likely}"
            where = getattr(splits, split).where[position]
            yield Suspect(split, position, where, label, likely, 1.0, same)


def _tags(row: np.ndarray, labels: list[str]) -> str:
    return listed([label for label, has in zip(labels, row, strict=True) if has]) or "no label"


def _doubted_classes(
    truth: np.ndarray, heads: np.ndarray, votes: np.ndarray | None, labels: list[str]
) -> Iterator[tuple[int, str, str, float, str]]:
    rows = np.arange(len(truth))
    both = heads if votes is None else (heads + votes) / 2
    others = both.copy()
    others[rows, truth] = -1
    best = others.argmax(axis=1)
    doubt = (1 + both[rows, best] - both[rows, truth]) / 2
    for row in np.flatnonzero(doubt > EVEN).tolist():
        likely = int(best[row])
        said = f"a head that never saw it: {labels[likely]} {heads[row, likely]:.0%}"
        if votes is not None:
            said += f"; its nearest neighbours: {votes[row, likely]:.0%} {labels[likely]}"
        yield row, labels[truth[row]], labels[likely], float(doubt[row]), said


def _doubted_tags(
    truth: np.ndarray, heads: np.ndarray, votes: np.ndarray | None, labels: list[str]
) -> Iterator[tuple[int, str, str, float, str]]:
    both = heads if votes is None else (heads + votes) / 2
    doubt = np.abs(both - (truth > 0))
    for row, label in np.argwhere(doubt > EVEN).tolist():
        has = truth[row, label] > 0
        names = (labels[label], f"no {labels[label]}")
        said = f"a head that never saw it: {labels[label]} {heads[row, label]:.0%}"
        if votes is not None:
            said += f"; of its nearest neighbours {votes[row, label]:.0%}"
        yield row, names[not has], names[bool(has)], float(doubt[row, label]), said
