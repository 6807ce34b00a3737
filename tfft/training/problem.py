"""A head of one Dense layer on frozen features as a convex problem: its features, solutions and their scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfft.data.batching.batches import evaluation_batches
from tfft.errors import DivergedError, counted
from tfft.models.depths import joined_widths
from tfft.models.heads import around, only_dense
from tfft.training.advice import Probe
from tfft.training.convex import Objective, minimized, objective_of
from tfft.training.feeding import prepared, rows_and_targets
from tfft.training.levels import TRUNK_BATCH
from tfft.training.plan import FEW, Plan
from tfft.training.planned import PlannedPhase

STRENGTHS = (1.0, 0.1, 0.01, 0.001, 0.0001)
"""Strengths of the L2 penalty on the weights of standardized features; each solution starts from the one before it."""
BETWEEN = 3.0
"""Factor from the best of these strengths to the two that are tried beside it."""
FOLDS = 5
"""Of the cross-validation that helps to choose where validation examples are few."""
FLAT = 1e-6
"""A smaller standard deviation is rounding: the feature is constant."""


def has_few(plan: Plan) -> bool:
    """Whether validation examples are too few to choose by alone, and there are training examples to help."""
    return len(plan.splits.val) < FEW and len(plan.splits.train) >= FOLDS


@dataclass(frozen=True, eq=False)
class Features:
    """What a head is solved or scored on."""

    x: np.ndarray
    """(examples, features), float32, standardized."""
    y: np.ndarray
    """Targets, (examples, ...)."""
    weights: np.ndarray
    """Of the examples in the loss, (examples,), float32."""

    def of_last(self, count: int) -> Features:
        """With the last features only."""
        return replace(self, x=np.ascontiguousarray(self.x[:, -count:]))

    def __getitem__(self, rows: slice | np.ndarray) -> Features:
        """Some of the examples."""
        return Features(self.x[rows], self.y[rows], self.weights[rows])

    def __add__(self, other: Features) -> Features:
        """These examples and others."""
        pairs = ((self.x, other.x), (self.y, other.y), (self.weights, other.weights))
        return Features(*map(np.concatenate, pairs))


@dataclass(frozen=True, eq=False)
class Solution:
    """A head for standardized features, and its scores, named as `fit` names them."""

    blocks: int
    """Blocks that it sees, counted from the top."""
    strength: float
    """Of the L2 penalty."""
    kernel: np.ndarray
    """(features of these blocks, outputs)."""
    bias: np.ndarray
    """(outputs,)."""
    logs: dict[str, float]
    chosen_by: dict[str, float]
    """`logs`, or where validation examples are few, the same scores over these and over the training examples, each
    predicted by a head that was solved without it."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The Dense layer of a head, and what it is solved and scored on."""

    plan: Plan
    dense: keras.layers.Dense
    outputs_of: Callable[[tf.Tensor], tf.Tensor]
    """From the products of the layer, before its activation, to the outputs of the model."""
    train: Features
    """In all views of the phase."""
    val: Features
    mean: np.ndarray
    deviation: np.ndarray
    """Of each feature in `train`, before it was standardized."""
    objective: Objective

    @classmethod
    def of(cls, plan: Plan, planned: PlannedPhase) -> Problem:
        """The problem of a phase; reads its features."""
        dense = only_dense(plan.model)
        features_of, outputs_of = around(planned.top, dense)
        rows, targets = rows_and_targets(plan, planned)
        layout = plan.layout(planned.depth)
        parts: dict[str, list[tuple[np.ndarray, ...]]] = {"train": [], "val": []}
        for view, of_view in rows.items():
            examples = plan.activations.examples(view)
            batches = evaluation_batches(of_view, targets[view], layout, order=examples.order, batch_size=TRUNK_BATCH)
            weights = np.ones(len(examples), np.float32)
            if view.split == "train" and plan.splits.sampling != "all" and examples.rarity is not None:
                weights = (examples.rarity / examples.rarity.mean())[examples.order].astype(np.float32)
            read = [(tf.cast(features_of(tensors), tf.float32).numpy(), truth.numpy()) for tensors, truth in batches]
            parts[view.split].append((*map(np.concatenate, zip(*read, strict=True)), weights))
        train, val = (Features(*map(np.concatenate, zip(*part, strict=True))) for part in parts.values())
        if not (np.isfinite(train.x).all() and np.isfinite(val.x).all()):
            raise DivergedError(
                "Features of the backbone are not finite", fix="Check its weights, and its range of pixels or tokens"
            )
        mean, deviation = train.x.mean(axis=0), train.x.std(axis=0)
        deviation[deviation < FLAT] = 1.0
        train, val = (replace(part, x=(part.x - mean) / deviation) for part in (train, val))
        objective = objective_of(plan.task, outputs_of)
        return cls(plan, dense, outputs_of, train, val, mean, deviation, objective)

    def solutions(self) -> Iterator[Solution]:
        """Yields solutions on the last block, a quarter and half of the blocks, and all that the head sees."""
        for blocks in sorted({1, *(math.ceil(self.blocks / part) for part in (4, 2, 1))}):
            yield from self.on_last(blocks).path(blocks)

    @property
    def blocks(self) -> int:
        """Blocks that the head sees."""
        return len(self._widths)

    def on_last(self, blocks: int) -> Problem:
        """The same problem with the features of the last blocks alone."""
        used = sum(self._widths[-blocks:])
        return replace(self, train=self.train.of_last(used), val=self.val.of_last(used))

    @property
    def _widths(self) -> tuple[int, ...]:
        return joined_widths(self.plan.model) or (len(self.mean),)

    def path(self, blocks: int) -> Iterator[Solution]:
        """Yields a solution for each strength of the penalty, until a weaker one raises the validation loss."""
        least = np.inf
        solutions, title = self._solutions(blocks, STRENGTHS), f"Solving on {counted(blocks, 'block')}"
        for solution in tqdm(solutions, desc=title, total=len(STRENGTHS), disable=None, leave=False):
            yield solution
            if solution.chosen_by["val_loss"] > least:
                return
            least = solution.chosen_by["val_loss"]

    def beside(self, solution: Solution) -> Iterator[Solution]:
        """Yields two solutions on the same blocks, with a stronger and a weaker penalty."""
        strengths = (BETWEEN * solution.strength, solution.strength / BETWEEN)
        yield from self.on_last(solution.blocks)._solutions(solution.blocks, strengths, solution)

    def _solutions(self, blocks: int, strengths: Sequence[float], start: Solution | None = None) -> Iterator[Solution]:
        heads = self.solved(strengths, start)
        if not has_few(self.plan):
            for strength, head in zip(strengths, heads, strict=True):
                logs = self._logs(*head)
                yield Solution(blocks, strength, *head, logs, logs)
            return
        once = self.train[: len(self.plan.splits.train)]
        every = self.val + once
        for strength, head, left_out in zip(strengths, heads, self.left_out(strengths, FOLDS), strict=True):
            outputs = np.concatenate([self.predict(self.val.x, *head), left_out])
            yield Solution(blocks, strength, *head, self._logs(*head), self._scored(every, outputs))

    def left_out(self, strengths: Sequence[float], folds: int) -> Iterator[np.ndarray]:
        """Yields the outputs for all training examples, (examples, outputs), for one strength of the penalty after
        another.

        The examples are dealt to folds, of each class about as many to each; a head that was solved on the others
        predicts those of a fold.
        """
        count = len(self.plan.splits.train)
        y, order = self.train.y[:count], np.random.default_rng(0).permutation(count)
        if y.ndim == 1:
            order = order[np.argsort(y[order], kind="stable")]
        fold_of = np.empty(count, int)
        fold_of[order] = np.arange(count) % folds
        of_views = np.resize(fold_of, len(self.train.y))  # all views of an example are in its fold
        solved = [replace(self, train=self.train[of_views != fold]).solved(strengths) for fold in range(folds)]
        for heads in zip(*solved, strict=True):
            outputs = np.empty((count, self.dense.units), np.float32)
            for fold, head in enumerate(heads):
                outputs[fold_of == fold] = self.predict(self.train.x[:count][fold_of == fold], *head)
            yield outputs

    def solved(
        self, strengths: Sequence[float], start: Solution | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields kernel, (features, outputs), and bias, (outputs,), for one strength of the penalty after another."""
        start_from = np.zeros((self.train.x.shape[1] + 1, self.dense.units), np.float32)
        if start is not None:
            start_from = np.concatenate([start.kernel, start.bias[None]])
        given = (self.train.x, self._encoded(self.train), self.train.weights)
        for both in minimized(self.objective, given, start_from, strengths):
            yield both[:-1], both[-1]

    def predict(self, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The outputs of the model for standardized features."""
        return np.asarray(self.outputs_of(tf.constant(x @ kernel + bias)))

    def probe(self, lowest: Mapping[int, Solution]) -> Probe:
        """How much lower blocks help: by number of blocks, from the top, the solution with the lowest loss on val."""
        monitor, losses = self.plan.task.monitor, {}
        for blocks in (min(lowest), max(lowest)):
            solution, problem = lowest[blocks], self.on_last(blocks)
            losses[blocks] = problem.losses(problem.val, self.predict(problem.val.x, solution.kernel, solution.bias))
        gains = losses[min(lowest)] - losses[max(lowest)]
        error = float(gains.std() / math.sqrt(len(gains)))
        scores = [(blocks, lowest[blocks].logs[monitor]) for blocks in sorted(lowest)]
        return Probe(monitor, scores, None, float(gains.mean()), error)

    def adopt(self, solution: Solution) -> None:
        """Sets the layer to a solution, for features as they are."""
        kernel = np.zeros(self.dense.kernel.shape)
        kernel[len(kernel) - len(solution.kernel) :] = solution.kernel
        kernel /= self.deviation[:, None]
        self.dense.kernel.assign(kernel)
        self.dense.bias.assign(solution.bias - self.mean @ kernel)

    def _encoded(self, part: Features) -> np.ndarray:
        return prepared(self.plan.task, part.y)[1]

    def _logs(self, kernel: np.ndarray, bias: np.ndarray) -> dict[str, float]:
        """Loss, metrics and scores of a solution, named as `fit` names them."""
        logs = self._measured("", self.train, self.predict(self.train.x, kernel, bias))
        return logs | self.validated(self.predict(self.val.x, kernel, bias))

    def validated(self, outputs: np.ndarray) -> dict[str, float]:
        """Loss, metrics and scores of outputs for the validation split, named as `fit` names them."""
        return self._scored(self.val, outputs)

    def losses(self, part: Features, outputs: np.ndarray) -> np.ndarray:
        """The loss of each example, (examples,)."""
        return np.asarray(keras.losses.get(self.plan.task.loss)(self._encoded(part), outputs))

    def _scored(self, part: Features, outputs: np.ndarray) -> dict[str, float]:
        task, logs = self.plan.task, self._measured("val_", part, outputs)
        if task.score is not None:
            logs.update({f"val_{name}": value for name, value in task.score(part.y, outputs).items()})
        return logs

    def _measured(self, prefix: str, part: Features, outputs: np.ndarray) -> dict[str, float]:
        task, truth = self.plan.task, self._encoded(part)
        loss = np.average(self.losses(part, outputs), weights=part.weights)
        logs = {f"{prefix}loss": float(loss)}
        for metric in task.metrics:
            metric.reset_state()
            metric.update_state(truth, outputs)
            logs[f"{prefix}{metric.name}"] = float(metric.result())
        return logs
