"""Asks the frozen features about each label, before anything is trained on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tfft.data.batching.batches import evaluation_batches
from tfft.data.choices import Balance
from tfft.data.indexing import Indexable
from tfft.models.depths import joined_widths
from tfft.models.heads import around, only_dense
from tfft.models.tasks import Task
from tfft.training.balancing import store_and_balance
from tfft.training.feeding import VAL, rows_and_targets
from tfft.training.levels import TRUNK_BATCH
from tfft.training.neighbours import MOST, unit
from tfft.training.plan import Plan
from tfft.training.planned import SplitView
from tfft.training.ridge import FLAT, Ridge, left_out
from tfft.training.witnesses import Witnesses

HELD = 4_000_000
"""Features in memory at once; of more, sums are taken in two passes."""
WIDEST = 4096
"""Features, or examples if there are fewer, that are asked at most: it takes the square in memory."""
MOST_COMPARED = 20_000
"""Most examples whose neighbours are looked up: it takes the square of their number."""
AXES = 256
"""Directions in which the features of many examples are compared, those of the largest variance."""
PAIRS = 2_000_000
"""Pairs that are compared at a time."""


def store_first(plan: Plan, task_of: Callable[[Balance], Task] | None) -> Plan:
    """Stores the activations of the first phase; returns the plan with what they say: the treatment of rare classes
    that suits the data, see `with_best_balance`, and its witnesses."""
    return with_witnesses(store_and_balance(plan, task_of))


def with_witnesses(plan: Plan) -> Plan:
    """The plan with its witnesses, if it is one of classes or tags whose features are stored, and the head one Dense
    layer. What is in memory does not grow with the features of all examples, see `HELD`."""
    planned = plan.phases[0]
    stored = planned.depth is not None and SplitView("train") in plan.activations.stored[planned.depth]
    if plan.task.mixing not in ("class", "tags") or only_dense(plan.model) is None or not stored:
        return plan
    features = _Features.of(plan)
    count = len(plan.splits.train)
    if min(count, features.width) > WIDEST:
        return plan
    held = count * features.width <= HELD or count <= features.width
    heads, x, y = (_few if held else _many)(features)
    if not np.isfinite(heads).all():
        return plan  # solving the head says so
    if plan.task.mixing == "class":
        heads = heads / np.maximum(heads.sum(axis=1, keepdims=True), 1e-6)
    # features come in the order of evaluation
    back = {name: np.argsort(getattr(plan.splits, name).order) for name in ("train", "val")}
    votes = {} if x is None else {"train": (found := _votes(unit(x), y))[:count], "val": found[count:]}
    return replace(plan, witnesses=Witnesses(heads[back["train"]], {name: v[back[name]] for name, v in votes.items()}))


@dataclass(frozen=True, eq=False)
class _Features:
    """The features of the last block that the head sees, in batches."""

    plan: Plan
    width: int
    features_of: Callable[..., object]
    rows: dict[str, Indexable]
    targets: dict[str, Indexable]

    @classmethod
    def of(cls, plan: Plan) -> _Features:
        planned, dense = plan.phases[0], only_dense(plan.model)
        rows, targets = rows_and_targets(plan, planned)
        views = {"val": VAL, "train": next(view for view in rows if view.split == "train")}
        parts = ({name: of_view[view] for name, view in views.items()} for of_view in (rows, targets))
        width = (joined_widths(plan.model) or (dense.kernel.shape[0],))[-1]
        return cls(plan, width, around(planned.top, dense)[0], *parts)

    def batches(self, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields features, (examples, width), and targets as numbers, (examples, outputs): of a class 1, of the others
        0; in the order of evaluation."""
        order, outputs = getattr(self.plan.splits, split).order, only_dense(self.plan.model).units
        layout = self.plan.layout(self.plan.phases[0].depth)
        for tensors, truth in evaluation_batches(
            self.rows[split], self.targets[split], layout, order=order, batch_size=TRUNK_BATCH
        ):
            x, y = np.asarray(self.features_of(tensors), np.float32)[:, -self.width :], truth.numpy()
            yield x, np.eye(outputs, dtype=np.float32)[y] if y.ndim == 1 else y.astype(np.float32)

    def all_of(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """All features and targets of a split."""
        x, y = zip(*self.batches(split), strict=True)
        return np.concatenate(x), np.concatenate(y)


Said = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]
"""What heads that never saw an example predict for it, (examples, outputs); then of train and val together what they
are compared by, (examples, features), and their targets, or None if they are too few or too many."""


def _few(features: _Features) -> Said:
    (x, y), (of_val, y_val) = features.all_of("train"), features.all_of("val")
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    deviation[deviation < FLAT] = 1.0
    x, of_val = (x - mean) / deviation, (of_val - mean) / deviation
    heads = left_out(x, y)
    if not MOST < len(x) + len(of_val) <= MOST_COMPARED:
        return heads, None, None
    return heads, np.concatenate([x, of_val]), np.concatenate([y, y_val])


def _many(features: _Features) -> Said:
    ridge = Ridge.of(features.batches("train"))
    count = len(features.plan.splits.train) + len(features.plan.splits.val)
    axes = ridge.axes(AXES) if count <= MOST_COMPARED else None
    heads, compared, targets = [], [], []
    for split in ("train", "val") if count <= MOST_COMPARED else ("train",):
        for x, y in features.batches(split):
            z = ridge.standardized(x)
            if split == "train":
                heads.append(ridge.left_out(z, y))
            if count <= MOST_COMPARED:
                compared.append(z if axes is None else z @ axes)
                targets.append(y)
    if not compared:
        return np.concatenate(heads), None, None
    return np.concatenate(heads), np.concatenate(compared), np.concatenate(targets)


def _votes(x: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The mean target of the nearest others of each example, by cosine, (examples, outputs).

    Args:
        x: Rows of length 1, (examples, features).
        targets: (examples, outputs).
    """
    means, step = [], max(1, PAIRS // len(x))
    for start in range(0, len(x), step):
        likeness = x[start : start + step] @ x.T
        own = np.arange(len(likeness))
        likeness[own, start + own] = -np.inf  # nobody is a witness for itself
        nearest = np.argpartition(-likeness, MOST - 1, axis=1)[:, :MOST]
        means.append(targets[nearest].mean(axis=1))
    return np.concatenate(means)
