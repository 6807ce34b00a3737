"""Tasks: loss, metrics and monitor that agree by construction, and the answers that they are right for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tfft.errors import ConfigError, check_range
from tfft.models.losses import Loss, binary_cross_entropy, cross_entropy, huber


def _as_it_is(model: keras.Model) -> keras.Model:
    return model


@dataclass(frozen=True)
class Task:
    """What a model is trained for."""

    loss: str | Loss
    metrics: tuple[keras.metrics.Metric, ...]
    """Objects: what Keras makes of a name it makes in the first step, which TensorFlow then traces once more."""
    monitor: str
    """The number that says which epoch is the best, as `fit` logs it."""
    mode: Literal["max", "min"]
    """Whether more of it is better, or less."""
    outputs: tuple[int | None, ...]
    """Shape of the answer to one example that the loss takes; None where any length will do."""
    activation: str | None = None
    """What the last layer applies for the loss to be right; None where that is not known."""
    chance_loss: float = math.inf
    """Loss of a guess that knows nothing: a trained head above it has gone wrong; infinite where it is not known."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch as the data have them to those that the loss takes; None where they are the same."""
    given: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch to what the model takes of them as its second input, while it is taught to go on from
    the right beginning (teacher forcing); None where it takes nothing of them."""
    answering: Callable[[keras.Model], Any] = _as_it_is
    """From the model that is trained to what answers and is scored: a model, or of texts a function."""
    saved: Callable[[keras.Model], keras.Model] = _as_it_is
    """From the model that answers to the one that is saved; they share their layers."""
    score: Callable[[np.ndarray, Any], dict[str, float]] | None = None
    """From all targets of a split and the answers to it to numbers for which no mean over batches stands, known after
    each epoch as `val_NAME`; None for none."""

    def check(self, model: keras.Model) -> None:
        """Raises `ConfigError` if the output of a model does not fit the loss: its shape, or its activation."""
        shapes = [tuple(tensor.shape[1:]) for tensor in model.outputs]
        fits = len(shapes) == 1 and len(shapes[0]) == len(self.outputs)
        if not fits or any(want not in (None, has) for want, has in zip(self.outputs, shapes[0], strict=True)):
            raise ConfigError(
                f"The task takes one output of shape {_shape(self.outputs)}",
                received=f"{model.name} with {' and '.join(map(_shape, shapes))}",
                fix="Change the last layer in `build_model`, or its task",
            )
        last = model.outputs[0]._keras_history.operation
        applied = "softmax" if isinstance(last, keras.layers.Softmax) else _name(getattr(last, "activation", None))
        if self.activation and applied and applied != self.activation:
            raise ConfigError(
                f"The loss of the task takes answers after {self.activation}",
                received=f"layer {last.name} with activation {applied}",
                fix=f'Pass `activation="{self.activation}"` to it in `build_model`',
            )


def _shape(sides: Sequence[int | None]) -> str:
    return f"({', '.join(['batch', *('any' if side is None else str(side) for side in sides)])})"


def _name(activation: object) -> str | None:
    return getattr(activation, "__name__", None)


def single_label(labels: Sequence[str], *, weights: Sequence[float] | None = None, focal: float = 0.0) -> Task:
    """One class for each picture or text: softmax and cross-entropy.

    Args:
        labels: Names of the classes; targets are indices into it.
        weights: Of the loss of each class; None weighs all alike.
        focal: Exponent of the focal loss, 0 or more; 0 is cross-entropy (Lin et al. 2017, arXiv:1708.02002).
    """
    if len(labels) < 2:
        raise ConfigError("A classifier needs at least two labels", received=list(labels), fix="Add another class")
    plain = weights is None and not focal
    return Task(
        loss="sparse_categorical_crossentropy" if plain else cross_entropy(weights, focal),
        metrics=(keras.metrics.SparseCategoricalAccuracy(name="accuracy"),),
        monitor="val_accuracy",
        mode="max",
        outputs=(len(labels),),
        activation="softmax",
        chance_loss=math.log(len(labels)) if plain else math.inf,
    )


def multi_label(labels: Sequence[str], *, weights: Sequence[float] | None = None, focal: float = 0.0) -> Task:
    """Any number of classes for each picture: a sigmoid for each and binary cross-entropy.

    Args:
        labels: Names of the classes; targets are (batch, labels), 1 or 0.
        weights: Of the loss of each label where it is there; where it is not, the weight is 1. Keras's `class_weight`
            takes the first label of each picture for its class instead.
        focal: Exponent of the focal loss.
    """
    if not labels:
        raise ConfigError("Tags need at least one label", received="none", fix="Check `--columns.tags`")
    plain = weights is None and not focal
    return Task(
        loss=binary_cross_entropy(weights, focal),
        metrics=(keras.metrics.AUC(curve="PR", multi_label=True, num_labels=len(labels), name="pr_auc"),),
        monitor="val_pr_auc",
        mode="max",
        outputs=(len(labels),),
        activation="sigmoid",
        chance_loss=math.log(2) if plain else math.inf,
    )


def regression(
    names: Sequence[str],
    *,
    deviation: Sequence[float],
    error: Literal["squared", "absolute", "huber"] = "squared",
) -> Task:
    """One or several numbers for each picture, in the units of the person.

    The loss is that of answers in deviations, so that no quantity outweighs another.

    Args:
        names: Of the quantities; targets are (batch, quantities).
        deviation: Standard deviation of each in the training split, above 0.
        error: `"squared"`, `"absolute"`, or `"huber"`: squared below one deviation, absolute above it.
    """
    check_range("deviation", min(deviation), above=0)
    scale = np.asarray(deviation, np.float32)
    loss_of = {"squared": ops.square, "absolute": ops.abs, "huber": huber}[error]

    def loss(truth: Any, answer: Any) -> Any:
        return ops.mean(loss_of((ops.cast(truth, "float32") - answer) / scale), axis=-1)

    # of the mean as the answer: one squared deviation, some 0.8 of one for a normal distribution
    return Task(
        loss=loss,
        metrics=(keras.metrics.MeanAbsoluteError(name="mae"),),
        monitor="val_loss",
        mode="min",
        outputs=(len(names),),
        chance_loss={"squared": 1.0, "absolute": 1.0, "huber": 0.5}[error],
    )
