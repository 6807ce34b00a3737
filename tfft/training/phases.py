"""A phase: how long, how fast and how deep a model is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tfft.errors import ConfigError, check_range
from tfft.fields import check_choices

USUAL_WARMUP = 0.1
"""Share of a phase in which the schedules of `WARMED_UP` rise by default."""
WARMED_UP = ("cosine", "noam")
USUAL_EPOCHS, LEAST_STEPS = 10, 200
"""Of a phase whose epochs are chosen: where examples are few, more epochs make up the steps."""


def of_earlier(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a phase as an earlier tfft stored them, completed to those of now that mean the same."""
    if "head_rate" in stored:
        return {**asdict(Phase()), **stored}
    # only these two had a warm-up, and the default was a number
    usual = stored.get("warmup") == USUAL_WARMUP or stored.get("schedule") not in WARMED_UP
    return {**asdict(Phase()), "decay_vectors": True, **stored, **({"warmup": None} if usual else {})}


@dataclass(frozen=True)
class Phase:
    """One phase of fine-tuning; each has a new optimizer."""

    epochs: int | Literal["auto"] = 10
    """Passes over the training data; 0 leaves the phase out; auto takes 10 or, where examples are few, as many as 200
    steps need."""
    learning_rate: float | Literal["find"] = 1e-3
    """Highest learning rate of the phase; find takes that of a range test as the phase begins."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "lbfgs", "auto"] = "adam"
    """adamw decays weights; sgd takes momentum; lbfgs solves a head of one Dense layer on frozen features, without
    epochs and rates; auto does so where it can and is adam elsewhere."""
    momentum: float = 0.9
    """Momentum of sgd."""
    weight_decay: float = 1e-4
    """Weight decay of adamw."""
    decay_vectors: bool = False
    """Whether biases and the weights of normalizations decay, too."""
    schedule: Literal["constant", "cosine", "cosine_restarts", "noam", "exponential"] = "constant"
    """Learning rate over the phase: constant; cosine, down to 0; cosine_restarts; noam, by the inverse square root of
    the step; exponential, down to 1 % of the rate."""
    warmup: float | None = None
    """Share of the phase in which the learning rate rises from 0; by default 0.1 for cosine and noam, else none."""
    head_rate: float = 1.0
    """Learning rate of the head, as a factor: a head that is trained or solved already needs a smaller one."""
    stage_decay: float = 1.0
    """Factor of the learning rate from each unfrozen stage to the one below it."""
    gradual: float = 0.0
    """Epochs after which one more unfrozen stage begins to be trained, from the top down; before the first, only the
    head is; 0 trains all from the start."""
    clip_norm: float = 0.0
    """Maximum norm of the gradient over all weights; 0 does not clip."""
    average: float = 0.0
    """Epochs over which the weights are averaged (a moving average, updated in each step); the averages are validated
    and kept; 0 for none."""
    patience: int | Literal["auto"] = 0
    """Stop after this many epochs without a better monitored score; 0 never stops early; auto stops once neither the
    score nor the validation loss has improved in a third of the phase."""
    unfreeze: int | Literal["most", "all"] = 0
    """Stages of the backbone to train, counted from the top, or all; most leaves the lowest sixth frozen."""
    batch_norm: Literal["frozen", "train"] = "frozen"
    """BatchNormalization of unfrozen stages: frozen keeps its statistics; train suits random weights only."""
    mixup: float = 0.0
    """Mixes each training example and its target with another of the batch, by a share from Beta(mixup, mixup); 0 for
    none (Zhang et al. 2018, arXiv:1710.09412). Above frozen stages their outputs are mixed (manifold mixup, Verma et
    al. 2019, arXiv:1806.05236). Training scores are those of mixed examples; auto as optimizer is adam."""
    cutmix: float = 0.0
    """Instead pastes a rectangle of the other picture, or of its map, whose area is such a share (Yun et al. 2019,
    arXiv:1905.04899); pooled features are mixed by that share. With both, each batch draws one of them."""
    lora_rank: int = 0
    """Rank of low-rank adapters (LoRA) that are trained in place of the weights of unfrozen stages; 0 for none."""
    views: int | Literal["fresh"] | None = None
    """Augmented views in this phase; by default as chosen by --views. A run records here what auto has chosen."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.epochs != "auto":
            check_range("epochs", self.epochs, least=0, most=1_000_000, fix="Or `auto`")
        if self.learning_rate != "find":
            start = "For Adam on a frozen backbone start at 1e-3, or set `find`"
            check_range("learning_rate", self.learning_rate, above=0, most=1, fix=start)
        check_range("momentum", self.momentum, least=0, below=1)
        check_range("weight_decay", self.weight_decay, least=0, below=1)
        if self.warmup is not None:
            check_range("warmup", self.warmup, least=0, below=1)
        check_range("head_rate", self.head_rate, least=0, most=1000)
        check_range("stage_decay", self.stage_decay, above=0, most=1)
        check_range("gradual", self.gradual, least=0)
        check_range("clip_norm", self.clip_norm, least=0)
        check_range("average", self.average, least=0)
        if self.patience != "auto":
            check_range("patience", self.patience, least=0, fix="Or `auto`")
        if isinstance(self.views, int):
            check_range("views", self.views, least=1, fix="Or `fresh`")
        for name in ("mixup", "cutmix"):
            check_range(name, getattr(self, name), least=0, most=100)
        if self.optimizer == "lbfgs" and self.mixes:
            raise ConfigError(
                f"A head that `lbfgs` solves sees no batches that could be mixed (got mixup={self.mixup:g}, "
                f"cutmix={self.cutmix:g})",
                fix="Use another optimizer, `adam` for instance, or leave both at 0",
            )
        check_range("lora_rank", self.lora_rank, least=0, most=1024)
        if isinstance(self.unfreeze, int):
            check_range("unfreeze", self.unfreeze, least=0, fix="Or `most`, or `all`")
        numbers = isinstance(self.epochs, int) and isinstance(self.unfreeze, int)
        if numbers and 0 < self.epochs <= self.gradual * self.unfreeze:
            raise ConfigError(
                f"Not every stage would be trained (got gradual={self.gradual:g}, unfreeze={self.unfreeze}, "
                f"epochs={self.epochs})",
                fix=f"Set `gradual` below {self.epochs / self.unfreeze:g}",
            )
        if self.lora_rank and self.unfreeze == 0:
            raise ConfigError(
                f"LoRA adapters need unfrozen stages (got lora_rank={self.lora_rank} with unfreeze=0)",
                fix="Set `unfreeze` to the number of stages that get adapters, or to `all`",
            )

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed."""
        return bool(self.mixup or self.cutmix)

    def with_stages(self, stages: int) -> Phase:
        """This phase with a number of stages to train, of so many."""
        return replace(self, unfreeze=max(1, 5 * stages // 6)) if self.unfreeze == "most" else self

    def with_epochs(self, steps: int) -> Phase:
        """This phase with a number of epochs, each of so many steps."""
        if self.epochs != "auto":
            return self
        return replace(self, epochs=max(USUAL_EPOCHS, math.ceil(LEAST_STEPS / steps)))
