"""Fits a plan into a time: fewer views first, then fewer epochs, then fewer unfrozen stages."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from tfft.training.advice import Advice
from tfft.training.costs import about, phase_costs
from tfft.training.plan import Plan

SHARES, FEWEST_SHARES = (3 / 4, 1 / 2), (1 / 4, 0)
"""Shares of the epochs, before and after stages are frozen; the last is a single epoch."""


def fit_time(
    plan: Plan, plan_of: Callable[[Mapping[str, Any]], Plan], seconds: float, kept: Collection[str]
) -> tuple[Plan, list[Advice]]:
    """The largest plan that is predicted to be stored and trained in a time, and the settings that were lowered for it;
    the smallest one if none fits.

    Args:
        plan: The plan to start from.
        plan_of: Returns the plan with other settings, by name: `{"tune.epochs": 3}`.
        seconds: To store and to train.
        kept: Names of settings that stay as they are.
    """
    steps = [{}, *smaller(plan, kept)]

    @cache
    def planned(number: int) -> Plan:
        return plan_of(steps[number]) if number else plan

    @cache
    def predicted(number: int) -> float:
        return sum(cost.storing + cost.training for cost in phase_costs(planned(number)))

    if predicted(0) <= seconds:
        return plan, []
    # every step takes less time than the one before it
    first = bisect.bisect_left(range(len(steps)), True, lo=1, key=lambda number: predicted(number) <= seconds)
    chosen = min(first, len(steps) - 1)
    why = f"the plan would take {about(predicted(0))}, and this one {about(predicted(chosen))}"
    source = f"{about(seconds, exactly=True)} of the time budget are left"
    lowered = [
        Advice(name, value, f"{_before(plan, name)} before; {why}", source, taken=True)
        for name, value in steps[chosen].items()
    ]
    return planned(chosen), lowered


def misses(plan: Plan, seconds: float, kept: Collection[str]) -> str | None:
    """A sentence if a plan that was made as small as possible does not fit into the time; None if it fits."""
    needed = sum(cost.storing + cost.training for cost in phase_costs(plan))
    if needed <= seconds:
        return None
    # all that a smaller plan would change
    yours = sorted({name for step in smaller(plan, ()) for name in step} & {*kept})
    unchanged = f"; you have set {', '.join(f'`{name}`' for name in yours)}" if yours else ""
    left = about(seconds, exactly=True)
    return f"The smallest plan takes {about(needed)}, and {left} are left of the time budget{unchanged}"


def smaller(plan: Plan, kept: Collection[str]) -> list[dict[str, Any]]:
    """Settings by name that make a plan smaller and smaller; each has all changes of the one before it."""
    steps: list[dict[str, Any]] = [{}]

    def lower(changes: Mapping[str, Any]) -> None:
        lowered = {**steps[-1], **{name: value for name, value in changes.items() if name not in kept}}
        if lowered != steps[-1] and not any(_too_short(planned, lowered, plan.stages) for planned in plan.phases):
            steps.append(lowered)

    views = {p.name: p.views for p in plan.phases if p.views is not None}
    if plan.splits.augmentation.active and "views" not in kept:
        for count in range(max(views.values(), default=1) - 1, 0, -1):
            lower({f"{name}.views": count for name, many in views.items() if many > count})
    epochs = {p.name: p.phase.epochs for p in plan.phases if p.phase.optimizer != "lbfgs"}

    def shorten(share: float) -> None:
        lower({f"{name}.epochs": max(1, math.ceil(share * count)) for name, count in epochs.items() if count > 1})

    for share in SHARES:
        shorten(share)
    last, least = plan.lowest, max([1, *(_stages(p, plan.stages) for p in plan.phases[:-1])])
    # adapters that exist stay where they are: their weights were drawn
    for count in range(_stages(last, plan.stages) - 1, least - 1, -1) if not last.phase.lora_rank else ():
        lower({f"{last.name}.unfreeze": count})
    for share in FEWEST_SHARES:
        shorten(share)
    if len(plan.phases) > 1:
        lower({f"{last.name}.epochs": 0})
    return steps[1:]


def _stages(planned: Any, stages: int) -> int:
    return stages if planned.phase.unfreeze == "all" else planned.phase.unfreeze


def _too_short(planned: Any, lowered: Mapping[str, Any], stages: int) -> bool:
    """Whether gradual unfreezing would not reach the lowest stage that a phase is to train."""
    epochs = lowered.get(f"{planned.name}.epochs", planned.phase.epochs)
    unfrozen = lowered.get(f"{planned.name}.unfreeze", _stages(planned, stages))
    return 0 < epochs <= planned.phase.gradual * unfrozen


def _before(plan: Plan, name: str) -> Any:
    phase, _, field = name.rpartition(".")
    (planned,) = (p for p in plan.phases if p.name == phase)
    return planned.views if field == "views" else getattr(planned.phase, field)
