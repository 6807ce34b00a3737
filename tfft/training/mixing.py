"""Which phases can mix their examples, and what measures them."""

from __future__ import annotations

import keras

from tfft.data.batching.layout import Layout
from tfft.data.batching.mixing import Mixing
from tfft.errors import ConfigError
from tfft.models.losses import Loss
from tfft.models.pairs import MetricOfPairs, loss_of_pairs
from tfft.models.tasks import Task
from tfft.training.phases import Phase
from tfft.training.planned import PlannedPhase


def mixing(phase: Phase, task: Task, layout: Layout, seed: int) -> Mixing | None:
    """How the examples of a phase are mixed; None if they are not.

    Args:
        phase: The phase.
        task: Decides what becomes of the targets.
        layout: Of what the phase is trained on.
        seed: Of the run.
    """
    if not phase.mixes:
        return None
    return Mixing(seed, phase.mixup, phase.cutmix, "sums" if task.mixing == "numbers" else "pairs", layout)


def mixed_measures(phase: Phase, task: Task) -> tuple[str | Loss, list[keras.metrics.Metric]]:
    """Loss and metrics of a task; where a phase mixes classes or tags, for pairs of targets, too."""
    if not phase.mixes or task.mixing == "numbers":
        return task.loss, list(task.metrics)
    shape = () if task.mixing == "class" else task.outputs
    return loss_of_pairs(task.loss, shape), [MetricOfPairs(metric, shape) for metric in task.metrics]


def check_mixing(planned: PlannedPhase, task: Task) -> None:
    """Raises `ConfigError` if a phase mixes what cannot be mixed: targets, or tensors that it is trained on."""
    phase, name = planned.phase, planned.name
    leave = f"Leave out `--{name}.mixup` and `--{name}.cutmix`"
    if not phase.mixes:
        return
    if task.mixing is None:
        raise ConfigError("Only classes, tags and numbers can be mixed, not the targets of this task", fix=leave)
    if phase.cutmix and task.mixing == "numbers":
        raise ConfigError(
            "CutMix does not suit numbers: a patch of a picture has no share of its number",
            fix=f"Use `--{name}.mixup` in place of `--{name}.cutmix`",
        )
    tensors = planned.top.inputs
    if not all(keras.backend.is_float_dtype(tensor.dtype) for tensor in tensors):
        raise ConfigError(
            f"Phase {name} is trained on tokens, which cannot be mixed",
            fix=f"Keep a stage frozen below it with a smaller `--{name}.unfreeze`, or leave out mixup",
        )
    if any(tuple(tensor.shape[1:]) == (None, None) for tensor in tensors):
        raise ConfigError(f"Phase {name} is trained on an attention bias, which cannot be mixed", fix=leave)
    if phase.cutmix and not any(len(tensor.shape) == 4 for tensor in tensors):
        raise ConfigError(
            f"CutMix needs pictures or feature maps; phase {name} is trained on features without places",
            fix=f"Use `--{name}.mixup`, or a larger `--{name}.unfreeze`",
        )
