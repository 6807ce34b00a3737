"""Where each phase of a fine-tune cuts its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras

from tfft.errors import ConfigError
from tfft.models.freezing import parameters, unfrozen
from tfft.models.trunk import Cut, cut
from tfft.training.phases import Phase


@dataclass(frozen=True, eq=False)
class PhaseCut:
    """The cut of one phase."""

    cut: Cut
    """Phases that cut at the same place have one object in common."""
    trained: int
    """Parameters that the phase trains."""
    frozen: int
    """Parameters that it leaves as they are."""


def cut_phases(model: keras.Model, phases: Mapping[str, Phase]) -> dict[str, PhaseCut]:
    """The cuts of the phases that have epochs, by name; the trunk of each is a part of the one before it.

    Raises:
        ConfigError: If a phase would train nothing.
    """
    found: dict[str, PhaseCut] = {}
    before: Cut | None = None
    moved: set[int] = set()
    for name, phase in phases.items():
        if phase.epochs == 0:
            continue
        with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank):
            trained, frozen = parameters(model)
            if trained == 0:
                raise ConfigError(
                    f"The {name} phase trains something",
                    received="a model whose every layer is frozen",
                    fix=f"Set `--{name}.unfreeze`, or make the layers of the head trainable",
                )
            here = cut(model)
            # what an earlier phase has moved (its BatchNorm, say) is no trunk any more
            if before is not None and (_holds(here, moved) or _reaches(here, before)):
                here = before
            trainable = [layer for layer in model.layers if layer.trainable]
            moved.update(id(weight) for layer in trainable for weight in layer.weights)
        found[name] = PhaseCut(here, trained, frozen)
        before = here
    return found


def _holds(found: Cut, weights: set[int]) -> bool:
    """Whether some of these weights are in the trunk."""
    return found.trunk is not None and bool(weights & {id(weight) for weight in found.trunk.weights})


def _reaches(found: Cut, before: Cut) -> bool:
    """Whether a trunk goes as far up as that of an earlier phase."""
    if found.trunk is None or before.trunk is None:
        return before.trunk is None
    operations = {id(operation) for operation in found.trunk.operations}
    return all(id(tensor._keras_history[0]) in operations for tensor in before.crossing)
