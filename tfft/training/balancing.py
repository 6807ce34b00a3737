"""Which treatment of rare classes suits the data: chosen by cross-validation on stored features."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from sklearn.metrics import f1_score
from tqdm import tqdm

from tfft.data.choices import Balance
from tfft.models.tasks import Task
from tfft.training.advice import FOLDS, skewed
from tfft.training.convex import objective_of
from tfft.training.fine_tune import store_activations
from tfft.training.plan import Plan
from tfft.training.problem import Problem

logger = logging.getLogger(__name__)

TRIED: tuple[Balance, ...] = ("none", "weights", "logit-adjustment", "focal")
"""Treatments by the loss. In a solved head, drawing examples more or less often is a weight, too."""
STRENGTH = 0.03
"""Of the L2 penalty, in the middle of the usual ones: the comparison is between treatments."""
WORTH = 0.005
"""Difference in macro F1 that decides; the loss is left as it is if it gains less."""


def store_and_balance(plan: Plan, task_of: Callable[[Balance], Task] | None) -> Plan:
    """Stores the activations of the first phase; returns the plan, or, with `task_of`, that of `with_best_balance`."""
    store_activations(plan, plan.phases[0])
    return plan if task_of is None else with_best_balance(plan, task_of)


def with_best_balance(plan: Plan, task_of: Callable[[Balance], Task]) -> Plan:
    """The plan with the loss whose solved head has the best macro F1 on training examples that it was not solved on.

    The loss stays as it is if classes are about equally frequent, if one has too few examples to compare by, or, with a
    note, if the first phase is not solved.

    Args:
        plan: A plan that treats all classes alike; its activations are stored.
        task_of: Returns the task of the plan with another treatment.
    """
    if not skewed(plan.splits.train.counts):
        return plan
    if plan.phases[0].phase.optimizer != "lbfgs":
        note = (
            "`--balance auto` compares treatments of rare classes on a solved head alone: all classes are treated alike"
        )
        logger.info(note)
        return replace(plan, notes=(*plan.notes, note))
    problem = Problem.of(plan, plan.phases[0])
    scores: dict[Balance, float] = {}
    for balance in tqdm(TRIED, desc="Comparing treatments of rare classes", disable=None, leave=False):
        task = task_of(balance)
        objective = objective_of(task, problem.outputs_of)
        scores[balance] = _macro_f1(replace(problem, plan=replace(plan, task=task), objective=objective))
    chosen = best_of(scores)
    compared = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
    note = f"Rare classes: `--balance {chosen}`, by macro F1 in {FOLDS}-fold cross-validation on train ({compared})"
    logger.info(note)
    return replace(plan, task=task_of(chosen), notes=(*plan.notes, note))


def best_of(scores: Mapping[Balance, float]) -> Balance:
    """The treatment with the best macro F1 of a solved head.

    Logit adjustment (Menon et al. 2021, arXiv:2007.07314) may be a little below it, because it gained the most once
    stages were tuned, too; see `benchmarks/defaults.md`.
    """
    best = max(scores, key=scores.__getitem__)
    if scores["logit-adjustment"] > scores[best] - WORTH:
        best = "logit-adjustment"
    return best if scores[best] > scores["none"] + WORTH else "none"


def _macro_f1(problem: Problem) -> float:
    """Macro F1 over the examples, each predicted by a head that was solved on the other folds."""
    y = problem.train.y[: len(problem.plan.splits.train)]
    (predictions,) = problem.left_out([STRENGTH], FOLDS)
    if y.ndim == 1:
        return float(f1_score(y, predictions.argmax(axis=1), average="macro", zero_division=0))
    return float(f1_score(y, predictions > 0.5, average="macro", zero_division=0))
