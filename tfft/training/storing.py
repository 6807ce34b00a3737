"""What of a plan is stored, and the pass that stores it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tfft.models.trunk import USUAL_LENGTH
from tfft.training.phases import Views

if TYPE_CHECKING:
    from tfft.training.plan import Plan

logger = logging.getLogger(__name__)

MOST_VIEWS, LEAST_VIEWS = 6, 4
"""Of views chosen by `auto`; with fewer than four, fresh ones that are not stored teach more."""
WORTH_STORING = 50
"""Multiply-adds that a stored number must save, for reading one back takes time too."""


def with_storage(plan: Plan, views: Views) -> Plan:
    """Decides what is stored, all that pays and fits, and how many views there are.

    Args:
        plan: Without its storage.
        views: As for `plan_phases`.
    """
    count, epochs = len(plan.activations.levels), plan.phases[-1].epoch_numbers.stop
    if views == "auto":
        choices: list[int | None] = list(range(min(epochs, MOST_VIEWS), min(epochs, LEAST_VIEWS) - 1, -1))
    else:
        choices = [None if views == "fresh" else views]
    for lowest in range(count + 1):  # from the level up of which training pictures are stored
        for choice in choices:
            tried = _storing(plan, lowest, choice, streamed_views=None if views == "auto" else choice)
            if plan.activations.store.has_room(missing_bytes(tried)):
                return tried
    return replace(tried, activations=replace(plan.activations, stored=(frozenset(),) * count))


def _storing(plan: Plan, lowest: int, views: int | None, *, streamed_views: int | None) -> Plan:
    """The plan with activations stored at all levels that pay, those of fixed training views from `lowest` up."""
    activations = plan.activations
    pays, trains, saved = [], [], 0
    for depth, level in enumerate(activations.levels):
        saved += level.multiply_adds  # by storing this level, down to the one that is stored below it
        pays.append(saved >= WORTH_STORING * level.makes.at(USUAL_LENGTH).numbers)
        trains.append(pays[depth] and depth >= lowest and views is not None)
        saved = 0 if trains[depth] else saved
    phases = tuple(
        replace(one, views=views if one.depth is not None and trains[one.depth] else streamed_views)
        for one in plan.phases
    )
    plan = replace(plan, phases=phases)
    stored = tuple(
        frozenset(pair for pair in plan.needed(depth) if pays[depth] and (trains[depth] or pair[0] != "train"))
        for depth in range(len(activations.levels))
    )
    return replace(plan, activations=replace(activations, stored=stored))


def missing_bytes(plan: Plan) -> int:
    """Bytes that will be added to the store."""
    activations = plan.activations
    return sum(
        activations.room(depth, split, number)[1]
        for depth, stored in enumerate(activations.stored)
        for split, number in stored
    )


def store_activations(plan: Plan) -> None:
    """Computes what the plan stores and the store does not have yet, the lowest trunk first.

    What does not fit any more, since another run has filled the store, is streamed later, with a warning.

    Raises:
        ConfigError: If frozen weights have changed since the plan was made.
    """
    plan.activations.check_weights()
    if missing := missing_bytes(plan):
        logger.info("Storing %.1f MB", missing / 1e6)
    for depth, stored in enumerate(plan.activations.stored):
        for split, view in sorted(stored):
            plan.activations.rows(depth, split, view)
