"""What each phase will train, known and checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import keras

from tfft.data.examples import Splits
from tfft.errors import ConfigError, check_range
from tfft.models.freezing import parameters, unfrozen
from tfft.models.stages import backbone_stages
from tfft.training.phases import Phase


@dataclass(frozen=True)
class PlannedPhase:
    """One phase with what it will do to this model."""

    name: str
    phase: Phase
    epoch_numbers: range
    """Its epochs counted over all phases from 0: order and augmentation depend on them."""
    trained: int
    """Parameters that it trains."""
    frozen: int
    """Parameters that it leaves as they are."""


@dataclass(frozen=True)
class Plan:
    """The phases of a fine-tune, checked against model and data; printed, then executed."""

    phases: tuple[PlannedPhase, ...]
    stages: int
    """Stages of the backbone."""
    batch_size: int
    steps_per_epoch: int


def check_phases(backbone: keras.Model, phases: Mapping[str, Phase]) -> None:
    """Raises `ConfigError` if no phase has an epoch, or `unfreeze` goes beyond the stages of a frozen backbone."""
    for phase in phases.values():
        with unfrozen(backbone, phase.unfreeze, batch_norm=phase.batch_norm):
            pass
    if not any(phase.epochs for phase in phases.values()):
        raise ConfigError(
            "At least one phase has epochs",
            received=", ".join(f"{name}.epochs=0" for name in phases),
            fix=f"Set `--{next(iter(phases))}.epochs 10`",
        )


def plan_phases(model: keras.Model, splits: Splits, phases: Mapping[str, Phase], *, batch_size: int) -> Plan:
    """Plans the phases that have epochs, in their order.

    Args:
        model: A functional model with its backbone frozen.
        splits: The data.
        phases: Phases by name.
        batch_size: Examples in a training batch, 1 or more.

    Raises:
        ConfigError: If no phase has an epoch, a phase would train nothing, or `unfreeze` goes beyond the stages.
    """
    check_range("batch_size", batch_size, least=1)
    check_phases(model, phases)
    batch_size = min(batch_size, len(splits.train))
    planned, epoch = [], 0
    for name, phase in phases.items():
        if phase.epochs == 0:
            continue
        with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm):
            trained, frozen = parameters(model)
        if trained == 0:
            raise ConfigError(
                f"The {name} phase trains something",
                received="a model whose every layer is frozen",
                fix=f"Set `--{name}.unfreeze`, or make the layers of the head trainable",
            )
        planned.append(PlannedPhase(name, phase, range(epoch, epoch + phase.epochs), trained, frozen))
        epoch += phase.epochs
    return Plan(tuple(planned), len(backbone_stages(model)), batch_size, math.ceil(len(splits.train) / batch_size))
