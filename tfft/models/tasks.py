"""Tasks: a loss, metrics and a monitor that belong together, and the outputs they expect."""

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


def _unchanged(model: keras.Model) -> keras.Model:
    return model


@dataclass(frozen=True)
class Task:
    """A training objective: loss, metrics, monitor, and the outputs that they expect."""

    loss: str | Loss
    metrics: tuple[keras.metrics.Metric, ...]
    """Objects rather than names: Keras creates metrics for names in the first step, so TensorFlow traces that twice."""
    monitor: str
    """The number that decides which epoch is the best, as `fit` logs it."""
    mode: Literal["max", "min"]
    """Whether a larger or a smaller number is better."""
    outputs: tuple[int | None, ...]
    """Shape of the output for one example that the loss expects; None where any length is allowed."""
    activation: str | None = None
    """Activation of the last layer that the loss expects; None if any will do."""
    chance_loss: float = math.inf
    """Loss of an uninformed guess: a trained head with a higher loss has gone wrong; infinite if unknown."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch, as stored, to the targets that the loss expects; None if they are the same."""
    given: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch to the second input of the model (teacher forcing); None if it has none."""
    answering: Callable[[keras.Model], Any] = _unchanged
    """From the trained model to the model that predicts and is scored; for generated texts, to a function."""
    saved: Callable[[keras.Model], keras.Model] = _unchanged
    """From the model that predicts to the model that is saved; they share their layers."""
    mixing: Literal["class", "tags", "numbers"] | None = None
    """What mixup has to mix: the index of a class, tags or numbers; None where it cannot, as with boxes."""
    emphasis: tuple[float, ...] | None = None
    """How much more each class counts than its share of the examples, (labels,); None if each counts as often as it
    occurs."""
    score: Callable[[np.ndarray, Any], dict[str, float]] | None = None
    """From all targets and predictions of a split to scores that are no means over batches, logged after each epoch as
    `val_NAME`; None if there are none."""

    def check(self, model: keras.Model) -> None:
        """Raises `ConfigError` if the output of a model does not fit the loss: its shape, or its activation."""
        shapes = [tuple(tensor.shape[1:]) for tensor in model.outputs]
        fits = len(shapes) == 1 and len(shapes[0]) == len(self.outputs)
        if not fits or any(want not in (None, has) for want, has in zip(self.outputs, shapes[0], strict=True)):
            raise ConfigError(
                f"The model {model.name} must have one output of shape {_shape(self.outputs)} "
                f"(got {' and '.join(map(_shape, shapes))})",
                fix="Change the last layer in `build_model`, or its task",
            )
        last = model.outputs[0]._keras_history.operation
        applied = "softmax" if isinstance(last, keras.layers.Softmax) else _name(getattr(last, "activation", None))
        if self.activation and applied and applied != self.activation:
            raise ConfigError(
                f"Layer {last.name} must have the activation {self.activation} for the loss (got {applied})",
                fix=f'Pass `activation="{self.activation}"` to it in `build_model`',
            )


def _shape(sides: Sequence[int | None]) -> str:
    return f"({', '.join(['batch', *('any' if side is None else str(side) for side in sides)])})"


def _name(activation: object) -> str | None:
    return getattr(activation, "__name__", None)


def single_label(
    labels: Sequence[str],
    *,
    weights: Sequence[float] | None = None,
    focal: float = 0.0,
    prior: Sequence[float] | None = None,
    smoothing: float = 0.0,
) -> Task:
    """One class for each picture or text: softmax and cross-entropy.

    Args:
        labels: Names of the classes; targets are indices into it.
        weights: Weight of each class in the loss; None for equal weights.
        focal: Exponent of the focal loss, 0 or more; 0 is cross-entropy (Lin et al. 2017, arXiv:1708.02002).
        prior: Share of each class in training, which the loss adds to the logits, see `cross_entropy`; None for none.
        smoothing: Label smoothing, 0 or more and below 1; not with `focal`.
    """
    if len(labels) < 2:
        raise ConfigError(f"A classifier needs at least two labels (got {list(labels)})", fix="Add another class")
    plain = weights is None and not focal and prior is None
    return Task(
        loss="sparse_categorical_crossentropy"
        if plain and not smoothing
        else cross_entropy(weights, focal, prior, smoothing),
        metrics=(keras.metrics.SparseCategoricalAccuracy(name="accuracy"),),
        monitor="val_accuracy",
        mode="max",
        outputs=(len(labels),),
        activation="softmax",
        mixing="class",
        emphasis=_emphasis(weights, prior),
        chance_loss=math.log(len(labels)) if plain else math.inf,
    )


def _emphasis(weights: Sequence[float] | None, prior: Sequence[float] | None) -> tuple[float, ...] | None:
    if weights is not None:
        return tuple(weights)
    return None if prior is None else tuple(1 / share for share in prior)


def multi_label(
    labels: Sequence[str],
    *,
    weights: Sequence[float] | None = None,
    focal: float = 0.0,
    prior: Sequence[float] | None = None,
    score: Callable[[np.ndarray, np.ndarray], dict[str, float]] | None = None,
) -> Task:
    """Any number of classes for each picture: a sigmoid for each and binary cross-entropy.

    Args:
        labels: Names of the classes; targets are (batch, labels), 1 or 0.
        weights: Weight of each label in the loss where it is present; where it is absent, the weight is 1. Keras's
            `class_weight` would instead take the first label of each picture as its class.
        focal: Exponent of the focal loss.
        prior: Share of the examples that have each label, which the loss adds to the logits; None for none.
        score: From targets and predictions of a split to numbers; `average_precision` among them is monitored. With
            None the validation loss is monitored.
    """
    if not labels:
        raise ConfigError("Tags need at least one label (got none)", fix="Check `--columns.tags`")
    plain = weights is None and not focal and prior is None
    return Task(
        loss=binary_cross_entropy(weights, focal, prior),
        metrics=(),
        monitor="val_loss" if score is None else "val_average_precision",
        mode="min" if score is None else "max",
        outputs=(len(labels),),
        activation="sigmoid",
        mixing="tags",
        score=score,
        chance_loss=math.log(2) if plain else math.inf,
    )


def regression(
    names: Sequence[str],
    *,
    deviation: Sequence[float],
    error: Literal["squared", "absolute", "huber"] = "squared",
) -> Task:
    """One or several numbers for each picture, in the units of the data.

    The loss measures errors in standard deviations, so that no quantity outweighs another.

    Args:
        names: Names of the quantities; targets are (batch, quantities).
        deviation: Standard deviation of each in the training split, above 0.
        error: `"squared"`, `"absolute"`, or `"huber"`: squared below one deviation, absolute above it.
    """
    check_range("deviation", min(deviation), above=0)
    scale = np.asarray(deviation, np.float32)
    loss_of = {"squared": ops.square, "absolute": ops.abs, "huber": huber}[error]

    def loss(truth: Any, predictions: Any) -> Any:
        return ops.mean(loss_of((ops.cast(truth, "float32") - predictions) / scale), axis=-1)

    # the loss of predicting the mean: one squared deviation, or about 0.8 deviations for a normal distribution
    return Task(
        loss=loss,
        metrics=(keras.metrics.MeanAbsoluteError(name="mae"),),
        monitor="val_loss",
        mode="min",
        outputs=(len(names),),
        mixing="numbers",
        chance_loss={"squared": 1.0, "absolute": 1.0, "huber": 0.5}[error],
    )
