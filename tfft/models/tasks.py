"""Tasks: head, loss, metrics and monitor that agree by construction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import keras

from tfft.errors import ConfigError, check_range


@dataclass(frozen=True)
class Task:
    """What a model is trained for."""

    head: Callable[[keras.KerasTensor], keras.KerasTensor]
    """From backbone features to predictions."""
    loss: str
    metrics: tuple[str, ...]
    monitor: str
    """The number that says which epoch is the best, as `fit` logs it."""
    mode: Literal["max", "min"]
    """Whether more of it is better, or less."""
    chance_loss: float
    """Loss of a guess that knows nothing: a trained head above it has gone wrong."""


def single_label(labels: Sequence[str], *, hidden: Sequence[int] = (), dropout: float = 0.0) -> Task:
    """One class for each picture: global average pooling, Dense layers, softmax, cross-entropy.

    Args:
        labels: Names of the classes; targets are indices into it.
        hidden: Units of Dense layers with ReLU before the last one.
        dropout: Fraction of the features dropped before the last layer, 0 or more and below 1.
    """
    if len(labels) < 2:
        raise ConfigError("A classifier needs at least two labels", received=list(labels))
    check_range("dropout", dropout, least=0, below=1, fix="0.2 is usual")
    check_range("hidden", min(hidden, default=1), least=1, fix="It holds numbers of units")

    def head(features: keras.KerasTensor) -> keras.KerasTensor:
        # names that no backbone has: Keras refuses a second layer of one name
        x = features
        if len(x.shape) == 4:
            x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
        elif len(x.shape) == 3:
            x = keras.layers.GlobalAveragePooling1D(name="head_pool")(x)
        for number, units in enumerate(hidden, start=1):
            x = keras.layers.Dense(units, activation="relu", name=f"head_hidden_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name="head_dropout")(x)
        # softmax in float32 whatever the policy: half precision would round small probabilities away
        return keras.layers.Dense(len(labels), activation="softmax", dtype="float32", name="head_predictions")(x)

    return Task(
        head=head,
        loss="sparse_categorical_crossentropy",
        metrics=("accuracy",),
        monitor="val_accuracy",
        mode="max",
        chance_loss=math.log(len(labels)),
    )


def attach_head(backbone: keras.Model, task: Task) -> keras.Model:
    """A flat functional model: the backbone, then the head of the task. They share the backbone's layers."""
    return keras.Model(backbone.inputs[0], task.head(backbone.outputs[0]), name=backbone.name)
