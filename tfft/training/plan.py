"""The plan: what each phase will train, freeze and store, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import keras

from tfft.data.batching.layout import Layout
from tfft.data.examples import Splits
from tfft.errors import check_range
from tfft.models.precision import precision_notes
from tfft.models.stages import backbone_stages
from tfft.models.tasks import Task
from tfft.models.trunk import Cut
from tfft.store import Storage, open_store
from tfft.training.activations import Activations, content_keys
from tfft.training.advice import Advice, Facts, Probe, advise
from tfft.training.checks import check_phases, solved_or_trained
from tfft.training.cutting import PhaseCut, cut_phases
from tfft.training.levels import levels
from tfft.training.mixing import check_mixing
from tfft.training.phases import Phase
from tfft.training.planned import PlannedPhase
from tfft.training.storing import choose_storage
from tfft.training.witnesses import Witnesses

FEW = 150
"""With fewer validation examples, scores that count them are too coarse to choose by."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The phases of fine-tuning, checked against model and data."""

    model: keras.Model = field(repr=False)
    task: Task = field(repr=False)
    phases: tuple[PlannedPhase, ...]
    stages: int
    """Stages of the backbone."""
    batch_size: int
    seed: int
    activations: Activations = field(repr=False)
    notes: tuple[str, ...] = ()
    """What was chosen, and why, one sentence each."""
    facts: Facts | None = field(default=None, repr=False)
    """What is known of the data and the settings; None if nothing was asked."""
    taken: tuple[Advice, ...] = ()
    """Settings that are not those of the configuration, each with its reason."""
    witnesses: Witnesses | None = field(default=None, repr=False)
    """What the frozen features say of each label; None before they were asked, or where they cannot be."""
    timed: dict[tuple[str, ...], float] = field(default_factory=dict, repr=False)
    """Seconds that were measured to predict costs."""

    @property
    def splits(self) -> Splits:
        """The data."""
        return self.activations.splits

    @property
    def chosen_views(self) -> dict[str, int | Literal["fresh"]]:
        """The number of views of each phase, with which another machine trains on the same pictures; empty without
        augmentation."""
        if not self.splits.augmentation.active:
            return {}
        return {p.name: "fresh" if p.views is None else p.views for p in self.phases}

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return math.ceil(self.splits.per_epoch / self.batch_size)

    @property
    def by_loss(self) -> bool:
        """Whether validation examples are so few that chance decides which of two epochs gets more of them right."""
        return self.task.monitor == "val_accuracy" and len(self.splits.val) < FEW

    @property
    def lowest(self) -> PlannedPhase:
        """The phase that trains the most: its top includes everything that any phase trains."""
        return self.phases[-1]

    @cached_property
    def answering(self) -> Any:
        """What predicts and is scored: the model, or what the task builds from it."""
        return self.task.answering(self.model)

    def advice(self, probe: Probe | None = None) -> list[Advice]:
        """What was taken, then what else is advised; with `probe`, from a head that was solved since."""
        if self.facts is None:
            return list(self.taken)
        facts = self.facts if probe is None else replace(self.facts, probe=probe)
        taken = {one.setting for one in self.taken}
        return [*self.taken, *(one for one in advise(facts) if one.setting not in taken)]

    def layout(self, depth: int | None) -> Layout:
        """The layout of the rows that a phase at this depth trains on."""
        return self.splits.train.layout if depth is None else self.activations.levels[depth].makes


def plan_phases(
    model: keras.Model,
    task: Task,
    splits: Splits,
    phases: Mapping[str, Phase],
    *,
    batch_size: int,
    seed: int = 0,
    storage: Storage = Storage(),
) -> Plan:
    """Plans the phases that have epochs, in their order. Nothing is computed yet.

    Args:
        model: A functional model with its backbone frozen.
        task: Loss, metrics and monitor.
        splits: The data.
        phases: Phases by name.
        batch_size: Examples in a training batch, 1 or more.
        seed: Decides order and augmentation, together with the epoch and the example.
        storage: Where activations are stored.

    Raises:
        ConfigError: If no phase has an epoch, a phase would train nothing, `unfreeze` goes beyond the stages, the
            output of the model does not fit the task, the pictures are not uint8, or what a phase reads cannot be
            mixed.
    """
    check_range("batch_size", batch_size, least=1)
    splits.train.check(splits.augmentation)
    task.check(model)
    check_phases(model, phases)
    stages = len(backbone_stages(model))
    store = open_store(storage)
    given = {"examples": len(splits.train), "memory": store.memory}
    batch_size = min(batch_size, len(splits.train))
    steps = math.ceil(splits.per_epoch / batch_size)
    phases = {name: phase.with_stages(stages).with_epochs(steps) for name, phase in phases.items()}
    phases = {name: solved_or_trained(name, phase, model, **given) for name, phase in phases.items()}
    phase_cuts = cut_phases(model, phases)
    # lowest first; a phase that unfreezes more comes later
    cuts = list(dict.fromkeys(c.cut for c in reversed(phase_cuts.values()) if c.cut.trunk is not None))
    activations = Activations(
        splits,
        content_keys(splits),
        levels(cuts, takes=splits.train.layout, dtype=store.dtype),
        store,
        model.name,
        seed,
    )
    planned = _planned(phases, phase_cuts, cuts)
    for one in planned:
        check_mixing(one, task)
    planned, stored = choose_storage(activations, planned)
    return Plan(
        model=model,
        task=task,
        phases=planned,
        stages=stages,
        batch_size=batch_size,
        seed=seed,
        activations=replace(activations, stored=stored),
        notes=(*precision_notes(model), *_sampling_notes(splits), *_rate_notes(phases)),
    )


def _sampling_notes(splits: Splits) -> tuple[str, ...]:
    """What an epoch shows, where it does not show every example once."""
    shares = splits.class_shares
    if shares is None:
        return ()
    each = ", ".join(f"{label} {count:,.0f}" for label, count in zip(splits.labels, shares, strict=True))
    return (f"With `{splits.sampling}` an epoch shows {splits.per_epoch:,} examples, on average {each}",)


def _rate_notes(phases: Mapping[str, Phase]) -> list[str]:
    """That a range test was asked for where there is nothing to find."""
    return [
        f"Phase {name} needs no learning rate, since its head is solved: `--{name}.learning-rate find` does nothing"
        for name, phase in phases.items()
        if phase.epochs and phase.optimizer == "lbfgs" and phase.learning_rate == "find"
    ]


def _planned(
    phases: Mapping[str, Phase], phase_cuts: Mapping[str, PhaseCut], cuts: Sequence[Cut]
) -> tuple[PlannedPhase, ...]:
    """The phases that have epochs, before their number of views is chosen."""
    planned, epoch = [], 0
    for name, made in phase_cuts.items():
        numbers = range(epoch, epoch + phases[name].epochs)
        depth = cuts.index(made.cut) if made.cut.trunk is not None else None
        planned.append(PlannedPhase(name, phases[name], numbers, made.trained, made.frozen, made.top, depth))
        epoch = numbers.stop
    return tuple(planned)
