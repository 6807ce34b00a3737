"""What each phase will train, freeze and store, known and checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import tensorflow as tf

from tfft.data.augmentation.changes import Augmentation, Level
from tfft.data.batching.layout import Layout
from tfft.data.examples import Splits
from tfft.errors import ConfigError, check_range
from tfft.models.stages import backbone_stages
from tfft.models.trunk import Cut
from tfft.store import Storage, open_store
from tfft.training.activations import Activations, content_keys
from tfft.training.checks import check_phases
from tfft.training.cutting import PhaseCut, cut_phases
from tfft.training.levels import levels
from tfft.training.phases import Phase, Views, check_views
from tfft.training.storing import with_storage


@dataclass(frozen=True, eq=False)
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
    top: keras.Model
    """What it runs in every step."""
    depth: int | None
    """Level of the activations that it trains on; None trains on pictures or tokens."""
    views: int | None
    """How many views of the training examples its epochs walk through; None for a new one in every epoch."""

    @cached_property
    def forward(self) -> Callable[..., tf.Tensor]:
        """The top in inference mode, compiled, on a batch of any size."""

        @tf.function(input_signature=[tf.TensorSpec(t.shape, t.dtype) for t in self.top.inputs], autograph=False)
        def forward(*tensors: tf.Tensor) -> tf.Tensor:
            return self.top(tensors[0] if len(tensors) == 1 else list(tensors), training=False)

        return forward

    def view_of(self, epoch: int) -> int:
        """The view that an epoch, counted over all phases from 0, trains on."""
        return epoch if self.views is None else epoch % self.views


@dataclass(frozen=True, eq=False)
class Plan:
    """The phases of a fine-tune, checked against model and data; printed, then executed."""

    model: keras.Model
    phases: tuple[PlannedPhase, ...]
    stages: int
    """Stages of the backbone."""
    batch_size: int
    steps_per_epoch: int
    seed: int
    backbone: str
    """Network and weights, in words."""
    activations: Activations
    balanced: bool = False
    """Whether examples of rare classes come more often than others."""

    @property
    def splits(self) -> Splits:
        """The data."""
        return self.activations.splits

    @property
    def lowest(self) -> PlannedPhase:
        """The phase that trains the most: its top holds all that is trained by any."""
        return self.phases[-1]

    def check_model(self, model: keras.Model) -> None:
        """Raises `ConfigError` if this is the plan of another model."""
        if model is not self.model:
            raise ConfigError("A plan is carried out with its own model", received=model.name, fix="Plan again")

    def layout(self, depth: int | None) -> Layout:
        """Of the rows that a phase at some depth trains on."""
        if depth is not None:
            return self.activations.levels[depth].makes
        return input_layout(self.activations.splits)

    def needed(self, depth: int) -> list[tuple[str, int]]:
        """Splits and views whose activations at a level are trained on or scored, each once."""
        found: dict[tuple[str, int], None] = {}
        for planned in self.phases:
            if planned.depth == depth:
                found.update({("train", planned.view_of(epoch)): None for epoch in planned.epoch_numbers})
                found["val", 0] = None
        if depth == self.lowest.depth:
            found.update({(name, 0): None for name, _ in self.activations.splits.items()})
        return list(found)


def input_layout(splits: Splits) -> Layout:
    """Of the pictures, or of the tokens."""
    inputs = splits.train.inputs
    return Layout((tuple(inputs.shape[1:]) if splits.train.widths is None else (None,),), inputs.dtype.name)


def _check_inputs(splits: Splits, batch_size: int, augment: Level, views: Views) -> None:
    check_range("batch_size", batch_size, least=1)
    check_views(views)
    if splits.train.widths is not None:
        if augment != "none":
            raise ConfigError("Texts have no views", received=f"augment={augment}", fix="Leave `augment` out")
    elif (dtype := splits.train.inputs.dtype) != "uint8":
        raise ConfigError("Pictures are uint8, in [0, 255]", received=dtype, fix="Convert them: `.astype('uint8')`")


def plan_phases(
    model: keras.Model,
    splits: Splits,
    phases: Mapping[str, Phase],
    *,
    batch_size: int,
    seed: int = 0,
    augment: Level = "none",
    flip: bool = True,
    views: Views = "auto",
    balanced: bool = False,
    storage: Storage = Storage(),
    backbone: str | None = None,
) -> Plan:
    """Plans the phases that have epochs, in their order. Nothing is computed yet.

    Args:
        model: A functional model with its backbone frozen.
        splits: The data.
        phases: Phases by name.
        batch_size: Examples in a training batch, 1 or more.
        seed: With the epoch and the example, decides order and augmentation.
        augment: How much training pictures are changed, see `Augmentation`; validation pictures never are.
        flip: Whether that may make left right.
        views: How many views of each training picture the epochs walk through, the picture itself and changed
            ones; `"fresh"` for a new one in every epoch; `"auto"` for at most 6 where they can be stored.
        balanced: Whether an epoch draws examples by how rare their classes are, so that some come several times and
            some not at all.
        storage: Where activations are kept.
        backbone: Network and weights in words, for those who read the plan; by default the name of the model.

    Raises:
        ConfigError: If no phase has an epoch, a phase would train nothing, `unfreeze` goes beyond the stages, or the
            pictures are not uint8.
    """
    _check_inputs(splits, batch_size, augment, views)
    check_phases(model, phases)
    found = cut_phases(model, phases)
    store = open_store(storage)
    motion = {"turns": splits.motion.turns, "outside": splits.motion.outside} if splits.motion else {}
    augmentation = Augmentation(augment, flip, **motion)
    # lowest first; a phase that unfreezes more comes later
    cuts = list(dict.fromkeys(one.cut for one in reversed(found.values()) if one.cut.trunk is not None))
    activations = Activations(
        splits,
        content_keys(splits),
        levels(cuts, takes=input_layout(splits), dtype=store.dtype),
        store,
        model.name,
        augmentation,
        seed,
    )
    batch_size = min(batch_size, len(splits.train))
    plan = Plan(
        model=model,
        phases=_planned(phases, found, cuts),
        stages=len(backbone_stages(model)),
        batch_size=batch_size,
        steps_per_epoch=math.ceil(len(splits.train) / batch_size),
        seed=seed,
        backbone=backbone or model.name,
        activations=activations,
        balanced=balanced,
    )
    return with_storage(plan, views if augment != "none" else 1)


def _planned(
    phases: Mapping[str, Phase], found: Mapping[str, PhaseCut], cuts: Sequence[Cut]
) -> tuple[PlannedPhase, ...]:
    """The phases that have epochs, before it is known what is stored of them."""
    planned, epoch = [], 0
    for name, one in found.items():
        numbers = range(epoch, epoch + phases[name].epochs)
        depth = cuts.index(one.cut) if one.cut.trunk is not None else None
        planned.append(PlannedPhase(name, phases[name], numbers, one.trained, one.frozen, one.cut.top, depth, None))
        epoch = numbers.stop
    return tuple(planned)
