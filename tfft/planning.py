"""From a configuration and its data to a plan: measures what advice needs, takes it, and fits the plan into a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tfft import models, runs, training
from tfft.fields import seconds_of
from tfft.settings import applied, differing, leaves, setting
from tfft.training import Advice, Facts

if TYPE_CHECKING:
    from tfft.data import Splits
    from tfft.training import Plan

logger = logging.getLogger(__name__)


def settle(current: runs.Run, splits: Splits, build: Callable[[Any], Any]) -> tuple[runs.Run, Plan]:
    """The run with the settings that it trains with, and their plan.

    With `recipe` auto these are the advised ones, with `time_budget` those that fit into it. A run that is resumed
    keeps those that it began with.

    Args:
        current: The run.
        splits: Its data.
        build: From a configuration to model and task; called once, for initial weights are drawn.
    """
    start, config = time.monotonic(), current.config
    auto, budget = getattr(config, "recipe", "plain") == "auto", getattr(config, "time_budget", None)
    kept, facts = kept_settings(config), facts_of(config, splits)
    taken = list(current.taken or ())
    if current.taken is None and auto:
        # what decides the loss is known before the model is built
        taken = advised(facts, kept)
    config = applied(config, {advice.setting: advice.value for advice in taken})
    model, task = build(config)
    models.compute_in(model, getattr(config, "precision", "float32"))

    def plan_of(values: Mapping[str, Any], config: Any = config) -> Plan:
        config = applied(config, values)
        phases = {"head": config.head, "tune": config.tune}
        options = {"batch_size": config.batch_size, "seed": config.seed, "storage": config.store}
        return training.plan_phases(model, task, splits, phases, **options)

    plan = plan_of({})
    solved = plan.phases[0].phase.optimizer == "lbfgs"
    facts = replace(facts, solvable=solved, stages=plan.stages, settings=settings_of(config))
    if current.taken is None and auto and solved:
        logger.info("Measuring the frozen features, to advise how to tune")
        training.store_activations(plan, plan.phases[0])
        facts = replace(facts, probe=training.probe(plan))
        if more := advised(facts, kept):
            config, taken = applied(config, {advice.setting: advice.value for advice in more}), [*taken, *more]
            plan = plan_of({}, config)
    if current.taken is None and budget is not None:
        seconds = seconds_of("time_budget", budget)
        left = max(0.0, seconds - (time.monotonic() - start))
        plan, lowered = training.fit_time(plan, partial(plan_of, config=config), left, kept)
        config = applied(config, {advice.setting: advice.value for advice in lowered})
        names = {advice.setting for advice in lowered}
        taken = [*(advice for advice in taken if advice.setting not in names), *lowered]
        if missed := training.misses(plan, left, kept):
            plan = replace(plan, notes=(*plan.notes, missed))
    facts = replace(facts, settings=settings_of(config))
    return replace(current, config=config), replace(plan, facts=facts, taken=tuple(taken))


def kept_settings(config: Any) -> set[str]:
    """The names of the settings that a person has set."""
    kept = getattr(config, "kept", None)
    return set(differing(config, type(config)()) if kept is None else kept)


def facts_of(config: Any, splits: Splits) -> Facts:
    """What the data say, before a model is built."""
    return Facts(
        noun=splits.train.noun,
        train=len(splits.train),
        counts=tuple(splits.train.counts),
        labels=tuple(splits.labels),
        original_size=splits.original_size,
        truncated=splits.truncated,
        solvable=_solvable(config.head) and getattr(config, "hidden", None) == (),
        settings=settings_of(config),
    )


def _solvable(phase: training.Phase) -> bool:
    return bool(phase.epochs) and phase.optimizer in ("auto", "lbfgs") and not phase.mixes


def settings_of(config: Any) -> dict[str, Any]:
    """All settings by name."""
    return {name: setting(config, name) for name in leaves(config)}


def advised(facts: Facts, kept: set[str]) -> list[Advice]:
    """Advice that may be taken: on settings that no person has set."""
    return [replace(one, taken=True) for one in training.advise(facts) if one.free and one.setting not in kept]
