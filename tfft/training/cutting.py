"""Where each phase of a fine-tune cuts its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras

from tfft.errors import ConfigError
from tfft.models.folding import folded
from tfft.models.freezing import parameters, unfrozen
from tfft.models.trunk import Cut, cut
from tfft.training.phases import Phase


@dataclass(frozen=True, eq=False)
class PhaseCut:
    """The cut of one phase."""

    cut: Cut
    """Phases that cut at the same place share one object."""
    top: keras.Model
    """The top, folded; phases that freeze the same in it share it, too."""
    trained: int
    """Number of parameters that the phase trains."""
    frozen: int
    """Number of parameters that it does not train."""


def cut_phases(model: keras.Model, phases: Mapping[str, Phase]) -> dict[str, PhaseCut]:
    """The cuts of the phases that have epochs, by name; each trunk is a part of the one before it.

    Raises:
        ConfigError: If a phase would train nothing.
    """
    cuts: dict[str, PhaseCut] = {}
    before: Cut | None = None
    moved: set[int] = set()
    tops: dict[tuple[Cut, tuple[bool, ...]], keras.Model] = {}
    for name, phase in phases.items():
        if phase.epochs == 0:
            continue
        with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank):
            trained, frozen = parameters(model)
            if trained == 0:
                raise ConfigError(
                    f"Phase {name} has nothing to train: every layer of the model is frozen",
                    fix=f"Set `--{name}.unfreeze`, or make the layers of the head trainable",
                )
            here = cut(model)
            # weights that an earlier phase changes (BatchNorm statistics, say) cannot be in a later trunk
            if before is not None and (_holds(here, moved) or _reaches(here, before)):
                here = before
            trainable = [layer for layer in model.layers if layer.trainable]
            moved.update(id(weight) for layer in trainable for weight in layer.weights)
            # what is folded depends on what is frozen
            frozen_layers = tuple(not layer.trainable for layer in here.top.layers)
            if (here, frozen_layers) not in tops:
                tops[here, frozen_layers] = folded(here.top)
            top = tops[here, frozen_layers]
        cuts[name] = PhaseCut(here, top, trained, frozen)
        before = here
    return cuts


def _holds(cut: Cut, weights: set[int]) -> bool:
    """Whether the trunk has any of these weights."""
    return cut.trunk is not None and bool(weights & {id(weight) for weight in cut.trunk.weights})


def _reaches(cut: Cut, before: Cut) -> bool:
    """Whether the trunk reaches at least as far up as the trunk of an earlier phase."""
    if cut.trunk is None or before.trunk is None:
        return before.trunk is None
    operations = {id(operation) for operation in cut.trunk.operations}
    return all(id(tensor._keras_history[0]) in operations for tensor in before.crossing)
