"""What of a plan is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfft.models.trunk import USUAL_LENGTH
from tfft.training.activations import Activations
from tfft.training.planned import PlannedPhase, SplitView

MOST_VIEWS, LEAST_VIEWS = 6, 4
"""Of views chosen by `auto`; with fewer than four, fresh ones that are not stored teach more."""
WORTH_STORING = 50
"""Multiply-adds that a stored number must save, for reading one back takes time too."""

Phases = tuple[PlannedPhase, ...]
Stored = tuple[frozenset[SplitView], ...]
"""For each level the splits and views whose activations are stored."""


def choose_storage(activations: Activations, phases: Phases) -> tuple[Phases, Stored]:
    """Decides what is stored, all that pays and fits, and how many views there are.

    Args:
        activations: Of the plan.
        phases: Without their views.

    Returns:
        The phases with their views, and what is stored.
    """
    count, epochs = len(activations.levels), phases[-1].epoch_numbers.stop
    augmentation = activations.splits.augmentation
    views = augmentation.views if augmentation.active else 1
    if views == "auto":
        choices: list[int | None] = list(range(min(epochs, MOST_VIEWS), min(epochs, LEAST_VIEWS) - 1, -1))
    else:
        choices = [None if views == "fresh" else views]
    for lowest in range(count + 1):  # from the level up of which training pictures are stored
        for choice in choices:
            streamed_views = None if views == "auto" else choice
            tried, stored = _storing(activations, phases, lowest, choice, streamed_views)
            if activations.store.has_room(missing_bytes(activations, stored)):
                return tried, stored
    return tried, (frozenset(),) * count


def _storing(
    activations: Activations, phases: Phases, lowest: int, views: int | None, streamed_views: int | None
) -> tuple[Phases, Stored]:
    """All levels that pay are stored; those of fixed training views from the level `lowest` up."""
    pays, trains, saved = [], [], 0
    for depth, level in enumerate(activations.levels):
        saved += level.multiply_adds  # by storing this level, down to the one that is stored below it
        pays.append(saved >= WORTH_STORING * level.makes.at(USUAL_LENGTH).numbers)
        trains.append(pays[depth] and depth >= lowest and views is not None)
        saved = 0 if trains[depth] else saved
    phases = tuple(
        replace(one, views=views if one.depth is not None and trains[one.depth] else streamed_views) for one in phases
    )
    names = [name for name, _ in activations.splits.items()]
    stored = tuple(
        frozenset(
            one for one in needed(phases, depth, names) if pays[depth] and (trains[depth] or one.split != "train")
        )
        for depth in range(len(activations.levels))
    )
    return phases, stored


def needed(phases: Phases, depth: int, names: Sequence[str]) -> list[SplitView]:
    """Splits (of these names) and views whose activations at a level are trained on or scored, each once."""
    found: dict[SplitView, None] = {}
    for planned in phases:
        if planned.depth == depth:
            found.update({planned.shown(epoch): None for epoch in planned.epoch_numbers})
            found[SplitView("val")] = None
    if depth == phases[-1].depth:
        found.update({SplitView(name): None for name in names})
    return list(found)


def missing_bytes(activations: Activations, stored: Stored) -> int:
    """Bytes that will be added to the store."""
    return sum(activations.room(depth, one)[1] for depth, shown in enumerate(stored) for one in shown)
