"""What phases of one network must agree on, told before anything is computed."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

import keras

from tfft.errors import ConfigError
from tfft.models.freezing import unfrozen
from tfft.training.phases import Phase

logger = logging.getLogger(__name__)

HIGH = 3
"""Times the usual rate that need a word."""


def check_phases(backbone: keras.Model, phases: Mapping[str, Phase], *, usual_rate: float | None = None) -> None:
    """Raises `ConfigError` if no phase has an epoch, `unfreeze` goes beyond the stages of a frozen backbone, or a
    later phase freezes what an earlier one trained; warns of rates of Adam far above the usual one of a head that is
    pretrained too."""
    warning = "At a learning rate of %g a pretrained decoder forgets what it knows; try `--%s.learning-rate %g`"
    for name, phase in phases.items():
        adam = phase.optimizer in ("adam", "adamw")
        if usual_rate and adam and phase.epochs and phase.learning_rate > HIGH * usual_rate:
            logger.warning(warning, phase.learning_rate, name, usual_rate)
    before, most = "", 0.0
    for name, phase in phases.items():
        with unfrozen(backbone, phase.unfreeze, batch_norm=phase.batch_norm):
            pass
        stages = math.inf if phase.unfreeze == "all" else phase.unfreeze
        if phase.epochs and stages < most:
            raise ConfigError(
                "A later phase unfreezes at least as many stages as those before it",
                received=f"{name}.unfreeze={phase.unfreeze} after {before}.unfreeze={phases[before].unfreeze}",
                fix=f"Set `--{name}.unfreeze {phases[before].unfreeze}`",
            )
        if phase.epochs:
            before, most = name, stages
    if not any(phase.epochs for phase in phases.values()):
        raise ConfigError(
            "At least one phase has epochs",
            received=", ".join(f"{name}.epochs=0" for name in phases),
            fix=f"Set `--{next(iter(phases))}.epochs 10`",
        )
