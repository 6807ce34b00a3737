"""What is measured of a backbone: linear heads and nearest neighbours on its frozen features, seconds and sizes."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from tfft import models, pictures, runs, training, workflow
from tfft.errors import ConfigError
from tfft.models import HeadFields
from tfft.runs.graphs import graphs_freed
from tfft.runs.output import errors_only
from tfft.training import Phase

logger = logging.getLogger(__name__)

Row = dict[str, Any]
"""A row of `choice.csv`: the measurements of one backbone."""


def probing(config: Any) -> Any:
    """The settings of a recipe with which nothing but a linear head is solved, on pictures as they are.

    Raises:
        ConfigError: If the recipe has no such head.
    """
    if not isinstance(config, HeadFields):
        raise ConfigError(
            "`tfft choose` solves a linear head on each backbone, and this recipe has none",
            fix="Choose with image_classification, image_multilabel, image_regression or text_classification",
        )
    changes: dict[str, Any] = {"hidden": (), "head": Phase(epochs=1, optimizer="lbfgs"), "tune": Phase(epochs=0)}
    if hasattr(config, "recipe"):
        changes.update(recipe="plain", time_budget=None)
    if hasattr(config, "augment"):
        changes["augment"] = "none"
    if getattr(config, "balance", None) == "auto":
        changes["balance"] = "none"
    return replace(config, **changes)


def loaded_by(config: Any) -> tuple[int, int] | None:
    """What the data of a backbone depend on: the size of its pictures; None for texts, whose tokens are its own."""
    return pictures.size_of(config) if isinstance(config, pictures.Config) else None


def name_of(backbone: Any) -> str:
    """The name of a backbone, or the path of its file."""
    return backbone if isinstance(backbone, str) else getattr(backbone, "model", backbone).name


def empty_row(backbone: Any) -> Row:
    """A row of `choice.csv` before anything is measured."""
    empty = (
        *("score", "monitor", "mode", "last_block", "all_blocks", "neighbours", "milliseconds", "storing", "solving"),
        *("parameters", "multiply_adds", "input"),
    )
    return {"backbone": name_of(backbone), "state": "", **dict.fromkeys(empty), "reason": ""}


def looked_at(recipe: workflow.Recipe, config: Any) -> Row:
    """The size of a backbone; whether it can be built is known before the first is measured."""
    with errors_only(), runs.rehearse(recipe.page, config) as current:
        backbone = current.stage("backbone", recipe.build_backbone, config)
        network = getattr(backbone, "model", backbone)  # of an encoder
        return {"parameters": sum(models.parameters(network)), "multiply_adds": models.multiply_adds(network)}


def measure(recipe: workflow.Recipe, config: Any, row: Row, end: float, pace: float) -> float:
    """Scores a backbone, if that fits into the budget.

    Args:
        recipe: Without a test split.
        config: From `probing`, with the backbone.
        row: Is completed.
        end: Of the budget, by `time.monotonic`.
        pace: Seconds that other backbones took to solve the heads, by feature.

    Returns:
        The pace of this one.
    """
    with errors_only(), runs.rehearse(recipe.page, config) as current, graphs_freed():
        *_, plan = workflow.prepare(recipe, current, quietly=True)
        (planned,) = plan.phases
        if planned.depth is None:
            raise ConfigError(f"{row['backbone']} has no weights below the head", fix="Choose another network")
        takes = plan.activations.levels[planned.depth].takes.at(plan.splits.train.usual_width).shapes[0]
        each = training.trunk_seconds(plan, planned.depth)
        row.update(input=" x ".join(map(str, takes[:2])), milliseconds=round(1000 * each, 3))
        views = (planned.shown(0), replace(planned.shown(0), split="val"))
        features = planned.top.inputs[0].shape[-1] if len(planned.top.inputs) == 1 else 0
        estimate = each * sum(plan.activations.room(planned.depth, view)[2] for view in views) + pace * features
        left = end - time.monotonic()
        if estimate > left:
            reason = f"It would take about {estimate:.0f} s, and {max(left, 0):.0f} s of the budget are left"
            row.update(state="left out", reason=reason)
        else:
            features = _score(plan, planned, row)
    if row["state"] == "left out":
        logger.info("%s is left out: %s", row["backbone"], row["reason"])
        return pace
    logger.info(
        "%s: %s %.4f, %.1f s to store, %.1f s to solve",
        *(row[name] for name in ("backbone", "monitor", "score", "storing", "solving")),
    )
    return row["solving"] / features


def _score(plan: training.Plan, planned: Any, row: Row) -> int:
    """Stores the features of a backbone and solves its heads; returns the number of features."""
    start, monitor = time.monotonic(), plan.task.monitor
    better = max if plan.task.mode == "max" else min
    training.store_activations(plan)
    stored = time.monotonic()
    problem = training.Problem.of(plan, planned)
    last = problem.on_last(1)
    scores = {"neighbours": last.validated(training.neighbours(last))[monitor]}
    for name, blocks in (("last_block", 1), ("all_blocks", problem.blocks)):
        solutions = problem.on_last(blocks).path(blocks)
        # where validation examples are few, over those of train, too
        scores[name] = better(solution.chosen_by[monitor] for solution in solutions)
    row.update(
        scores,
        state="measured",
        monitor=monitor,
        mode=plan.task.mode,
        score=better(scores["last_block"], scores["all_blocks"]),
    )
    row.update(storing=round(stored - start, 2), solving=round(time.monotonic() - stored, 2))
    return len(problem.mean)
