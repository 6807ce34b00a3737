"""Labels that are probably wrong: examples that others like them contradict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfft.data.choices import Balance
from tfft.data.examples import Splits
from tfft.errors import listed
from tfft.models.heads import only_dense
from tfft.models.tasks import Task
from tfft.training.balancing import store_and_balance
from tfft.training.neighbours import AT_A_TIME, MOST, unit
from tfft.training.plan import Plan
from tfft.training.planned import SplitView
from tfft.training.problem import Problem
from tfft.training.witnesses import Witnesses

STRENGTH = 0.1
"""Of the L2 penalty of the heads, per example: a strongly fitted head would learn wrong labels."""
EVEN = 0.5
"""The doubt of an example for which another label is as probable as the one given; more are listed."""
MOST_COMPARED = 20_000
"""Most examples whose neighbours are looked up: it takes the square of their number."""


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
    """Of an object, where a detector sees it: left, top, right and bottom in [0, 1], of the picture's width and height;
    None for what is said of a whole example."""

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


def with_witnesses(plan: Plan) -> Plan:
    """The plan with its witnesses, if it is one of classes or tags whose features are stored, and the head one Dense
    layer."""
    planned = plan.phases[0]
    stored = planned.depth is not None and SplitView("train") in plan.activations.stored[planned.depth]
    if plan.task.mixing not in ("class", "tags") or only_dense(plan.model) is None or not stored:
        return plan
    problem = Problem.of(plan, planned).on_last(1)
    train = len(plan.splits.train)
    heads = _left_out(problem.train.x[:train], _as_rows(problem.train.y[:train], problem.dense.units))
    # features come in the order of evaluation
    back = {name: np.argsort(getattr(plan.splits, name).order) for name in ("train", "val")}
    votes = {name: values[back[name]] for name, values in _votes(problem, plan.splits).items()}
    return replace(plan, witnesses=Witnesses(heads[back["train"]], votes))


def store_first(plan: Plan, task_of: Callable[[Balance], Task] | None) -> Plan:
    """Stores the activations of the first phase; returns the plan with what they say: the treatment of rare classes
    that suits the data, see `with_best_balance`, and its witnesses."""
    return with_witnesses(store_and_balance(plan, task_of))


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


def _as_rows(y: np.ndarray, classes: int) -> np.ndarray:
    """Targets as numbers, (examples, classes): of a class 1, of the others 0."""
    return np.eye(classes, dtype=np.float32)[y] if y.ndim == 1 else y.astype(np.float32)


def _left_out(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each example the prediction of ridge regression on all others, (examples, classes), as probabilities.

    Args:
        x: Standardized features, (examples, features).
        y: Targets, (examples, classes), in [0, 1].
    """
    count, penalty = len(x), STRENGTH * len(x)
    mean = y.mean(axis=0)
    if count <= x.shape[1]:
        inverse = np.linalg.inv(x @ x.T + penalty * np.eye(count, dtype=np.float32))
        errors = inverse @ (y - mean) / np.diag(inverse)[:, None]
    else:
        inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1], dtype=np.float32))
        leverage = np.einsum("nf,nf->n", x @ inverse, x)
        errors = (y - mean - x @ (inverse @ (x.T @ (y - mean)))) / (1 - leverage)[:, None]
    predicted = np.clip(y - errors, 0, 1)
    one_class = np.array_equal(y.sum(axis=1), np.ones(count))
    return predicted / np.maximum(predicted.sum(axis=1, keepdims=True), 1e-6) if one_class else predicted


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


def _votes(problem: Problem, splits: Splits) -> dict[str, np.ndarray]:
    """See `Witnesses.votes`, in the order of the features."""
    train = len(splits.train)
    x = unit(np.concatenate([problem.train.x[:train], problem.val.x]))
    y = np.concatenate([problem.train.y[:train], problem.val.y])
    if len(x) > MOST_COMPARED or len(x) <= MOST:
        return {}
    targets = _as_rows(y, problem.dense.units)
    means = []
    for start in range(0, len(x), AT_A_TIME):
        likeness = x[start : start + AT_A_TIME] @ x.T
        own = np.arange(len(likeness))
        likeness[own, start + own] = -np.inf  # nobody is a witness for itself
        nearest = np.argpartition(-likeness, MOST - 1, axis=1)[:, :MOST]
        means.append(targets[nearest].mean(axis=1))
    votes = np.concatenate(means)
    return {"train": votes[:train], "val": votes[train:]}
