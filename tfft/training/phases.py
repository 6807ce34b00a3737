"""A phase: how long, how fast and how deep a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfft.errors import ConfigError


@dataclass(frozen=True)
class Phase:
    """One phase of a fine-tune. The optimizer starts anew in each."""

    epochs: int = 10
    """Passes over the training data; 0 leaves the phase out."""
    learning_rate: float = 1e-3
    """Highest learning rate of the phase."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    """Optimizer; adamw decays weights, sgd takes momentum."""
    momentum: float = 0.9
    """Momentum of sgd."""
    weight_decay: float = 1e-4
    """Weight decay of adamw."""
    schedule: Literal["constant", "cosine", "cosine_restarts", "exponential"] = "constant"
    """Learning rate over the phase: constant; cosine to 0; cosine with warm restarts; exponential to a hundredth."""
    warmup: float = 0.1
    """Share of the phase in which a cosine schedule rises from 0."""
    patience: int = 0
    """Stop after this many epochs without a better monitored score; 0 never stops early."""
    unfreeze: int | Literal["all"] = 0
    """Stages of the backbone to train, counted from the top, or all."""
    batch_norm: Literal["frozen", "train"] = "frozen"
    """BatchNormalization of unfrozen stages: frozen keeps its statistics; train suits random weights only."""

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise ConfigError("`epochs` is 0 or more", received=f"epochs={self.epochs}")
        if not 0 < self.learning_rate <= 1:
            raise ConfigError(
                "`learning_rate` is above 0 and at most 1",
                received=f"learning_rate={self.learning_rate:g}",
                fix="For Adam on a frozen backbone start at 1e-3",
            )
        if not 0 <= self.momentum < 1:
            raise ConfigError("`momentum` is 0 or more and below 1", received=f"momentum={self.momentum:g}")
        if not 0 <= self.weight_decay < 1:
            raise ConfigError("`weight_decay` is 0 or more and below 1", received=f"weight_decay={self.weight_decay:g}")
        if not 0 <= self.warmup < 1:
            raise ConfigError("`warmup` is 0 or more and below 1", received=f"warmup={self.warmup:g}")
        if self.patience < 0:
            raise ConfigError("`patience` is 0 or more", received=f"patience={self.patience}")
        if self.unfreeze != "all" and self.unfreeze < 0:
            raise ConfigError("`unfreeze` is 0 or more, or all", received=f"unfreeze={self.unfreeze}")
