"""Checks across the phases of one model, before anything is computed."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace

import keras

from tfft.errors import ConfigError, megabytes
from tfft.models.freezing import unfrozen
from tfft.models.heads import only_dense
from tfft.models.stages import backbone_stages
from tfft.training.phases import Phase

logger = logging.getLogger(__name__)

COPIES, FLOAT = 3, 4
"""Copies of its features that a solved head needs at once, and bytes of a number."""
HIGH = 3
"""Times the usual learning rate from which on there is a warning."""


def check_phases(backbone: keras.Model, phases: Mapping[str, Phase], *, usual_rate: float | None = None) -> None:
    """Checks that some phase has epochs, that `unfreeze` is at most the number of stages, and that no phase freezes
    what an earlier one trained; warns of a learning rate that is too high for a pretrained head.

    Args:
        backbone: The frozen backbone, or a model with it.
        phases: Phases by name.
        usual_rate: For Adam, where the head is pretrained too; None for a new head.

    Raises:
        ConfigError: If a check fails.
    """
    warning = "A learning rate of %g makes a pretrained decoder forget what it has learned; try `--%s.learning-rate %g`"
    for name, phase in phases.items():
        adam = phase.optimizer in ("adam", "adamw") and phase.learning_rate != "find"
        if usual_rate and adam and phase.epochs and phase.learning_rate > HIGH * usual_rate:
            logger.warning(warning, phase.learning_rate, name, usual_rate)
    of_all = len(backbone_stages(backbone))
    phases = {name: phase.with_stages(of_all) for name, phase in phases.items()}
    before, most = "", 0.0
    for name, phase in phases.items():
        with unfrozen(backbone, phase.unfreeze, batch_norm=phase.batch_norm):
            pass
        stages = math.inf if phase.unfreeze == "all" else phase.unfreeze
        if phase.epochs and stages < most:
            raise ConfigError(
                f"A phase cannot unfreeze fewer stages than an earlier one (got {name}.unfreeze={phase.unfreeze} after "
                f"{before}.unfreeze={phases[before].unfreeze})",
                fix=f"Set `--{name}.unfreeze {phases[before].unfreeze}`",
            )
        if phase.epochs:
            before, most = name, stages
    if not any(phase.epochs for phase in phases.values()):
        raise ConfigError(
            f"No phase has epochs: {', '.join(f'{name}.epochs=0' for name in phases)}",
            fix=f"Set `--{next(iter(phases))}.epochs 10`",
        )


def solved_or_trained(name: str, phase: Phase, model: keras.Model, *, examples: int, memory: int) -> Phase:
    """The phase with its optimizer, where that is `"auto"`: solved if the model allows it, the features fit and nothing
    is mixed.

    Args:
        name: Of the phase.
        phase: The phase.
        model: A model whose backbone is frozen.
        examples: Number of training examples.
        memory: Most bytes to load.

    Raises:
        ConfigError: If the phase is to be solved and the model does not allow that.
    """
    dense = only_dense(model) if phase.unfreeze == 0 else None
    can = dense is not None
    if phase.optimizer == "auto" and phase.mixes:
        return replace(phase, optimizer="adam")
    if phase.optimizer == "auto" and can:
        views = phase.views if isinstance(phase.views, int) else 1
        size = COPIES * FLOAT * examples * views * dense.kernel.shape[0]
        if size > memory:
            logger.warning(
                "Phase %s is trained with Adam, not solved: that would need %s of memory. Set `--store.memory`, or "
                "fewer `--features`.",
                name,
                megabytes(size),
            )
            return replace(phase, optimizer="adam")
    if phase.optimizer == "auto":
        return replace(phase, optimizer="lbfgs" if can else "adam")
    if phase.optimizer == "lbfgs" and not can:
        raise ConfigError(
            f"`lbfgs` solves a head of one Dense layer on a frozen backbone, which phase {name} does not train",
            fix=f"Set `--{name}.optimizer adam`",
        )
    return phase
