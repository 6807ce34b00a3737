"""Which activations of a plan are stored, and how many views there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tfft.models.trunk import USUAL_LENGTH
from tfft.training.activations import Activations
from tfft.training.planned import PlannedPhase, SplitView

MOST_VIEWS, LEAST_VIEWS = 12, 4
"""Most and fewest views that `auto` stores; instead of fewer, fresh views that are not stored teach more."""
SHOWN_TWICE = 2
"""Epochs that show each view, where a phase has too few epochs for the most views."""
WORTH_STORING = 50
"""Multiply-adds that a stored number must save, since reading it takes time too."""

Phases = tuple[PlannedPhase, ...]
Stored = tuple[frozenset[SplitView], ...]
"""For each level, the splits and views whose activations are stored."""


def choose_storage(activations: Activations, phases: Phases) -> tuple[Phases, Stored]:
    """Decides what is stored (everything that saves time and fits) and how many views there are.

    Args:
        activations: Activations of the plan.
        phases: Phases whose number of views is not chosen yet.

    Returns:
        The phases with their number of views, and what is stored.
    """
    count = len(activations.levels)
    longest = max((p.phase.epochs for p in phases if p.phase.optimizer != "lbfgs"), default=1)
    most = min(MOST_VIEWS, math.ceil(longest / SHOWN_TWICE))
    augmentation = activations.splits.augmentation
    views = augmentation.views if augmentation.active else 1
    if not augmentation.active:
        phases = tuple(replace(p, phase=replace(p.phase, views=None)) for p in phases)
    if views == "auto":
        choices: list[int | None] = list(range(most, min(most, LEAST_VIEWS) - 1, -1))
    else:
        choices = [None if views == "fresh" else views]
    for lowest in range(count + 1):  # the lowest level at which training examples are stored
        for choice in choices:
            streamed_views = None if views == "auto" else choice
            tried, stored = _storing(activations, phases, lowest, choice, streamed_views)
            if activations.store.has_room(missing_bytes(activations, stored)):
                return tried, stored
    return tried, (frozenset(),) * count


def _storing(
    activations: Activations, phases: Phases, lowest: int, views: int | None, streamed_views: int | None
) -> tuple[Phases, Stored]:
    """Stores each level that saves time; training examples in fixed views only from the level `lowest` up."""
    pays, trains, saved = [], [], 0
    for depth, level in enumerate(activations.levels):
        saved += level.multiply_adds  # by storing this level, down to the next stored level
        pays.append(saved >= WORTH_STORING * level.makes.at(USUAL_LENGTH).numbers)
        here = [_views_of(p, views) for p in phases if p.depth == depth]
        trains.append(pays[depth] and depth >= lowest and None not in here)
        saved = 0 if trains[depth] else saved
    phases = tuple(
        replace(p, views=_views_of(p, views if p.depth is not None and trains[p.depth] else streamed_views))
        for p in phases
    )
    names = [name for name, _ in activations.splits.items()]
    stored = tuple(
        frozenset(
            view for view in needed(phases, depth, names) if pays[depth] and (trains[depth] or view.split != "train")
        )
        for depth in range(len(activations.levels))
    )
    return phases, stored


def _views_of(planned: PlannedPhase, views: int | None) -> int | None:
    """Those that the phase itself asks for; by default as given."""
    asked = planned.phase.views
    return views if asked is None else None if asked == "fresh" else asked


def needed(phases: Phases, depth: int, names: Sequence[str]) -> list[SplitView]:
    """The splits and views whose activations at a level are used to train or to predict, each once."""
    views: dict[SplitView, None] = {}
    for planned in phases:
        if planned.depth == depth:
            views.update({planned.shown(epoch): None for epoch in planned.epoch_numbers})
            views[SplitView("val")] = None
    if depth == phases[-1].depth:
        views.update({SplitView(name): None for name in names})
    return list(views)


def missing_bytes(activations: Activations, stored: Stored) -> int:
    """Bytes that will be added to the store."""
    return sum(activations.room(depth, view)[1] for depth, views in enumerate(stored) for view in views)
