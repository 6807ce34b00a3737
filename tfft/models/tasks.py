"""Tasks: head, loss, metrics and monitor that agree by construction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from tfft.errors import ConfigError, check_range
from tfft.models.decoder import Decoder, new_decoder
from tfft.models.heads import Pooling, dense_head
from tfft.models.losses import Loss, binary_cross_entropy, cross_entropy, huber, token_accuracy, token_loss
from tfft.models.scales import scales_of
from tfft.models.sizes import DecoderSize
from tfft.models.subwords import Subwords


@dataclass(frozen=True)
class Task:
    """What a model is trained for."""

    head: Callable[[Any], Any]
    """From what the backbone makes to answers: from its output, from a list of feature maps at `strides`, or, of texts,
    from a list of features and mask, with what is `given` behind them."""
    loss: str | Loss
    metrics: tuple[keras.metrics.Metric, ...]
    """Objects: what Keras makes of a name it makes in the first step, which TensorFlow then traces once more."""
    monitor: str
    """The number that says which epoch is the best, as `fit` logs it."""
    mode: Literal["max", "min"]
    """Whether more of it is better, or less."""
    chance_loss: float
    """Loss of a guess that knows nothing: a trained head above it has gone wrong; infinite where it is not known."""
    strides: tuple[int, ...] = ()
    """Pixels between two places of each feature map that the head takes, finest first; empty: the output alone."""
    encode: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch as the data have them to those that the loss takes; None where they are the same."""
    given: Callable[[np.ndarray], np.ndarray] | None = None
    """From the targets of a batch to what the model takes of them as its second input, while it is taught to go on from
    the right beginning (teacher forcing); None where it takes nothing of them."""
    answering: Callable[[keras.Model], keras.Model] = field(default=lambda model: model)
    """From the model that is trained to the one whose answers are scored; they share their layers."""
    score: Callable[[np.ndarray, Any], dict[str, float]] | None = None
    """From all targets of a split and the answers to it to numbers for which no mean over batches stands, known after
    each epoch as `val_NAME`; None for none."""


def attach_head(backbone: keras.Model, task: Task) -> keras.Model:
    """A flat functional model: the backbone, then the head of the task. They share the backbone's layers."""
    outputs = backbone.outputs if len(backbone.outputs) > 1 else backbone.outputs[0]
    features = scales_of(backbone, task.strides) if task.strides else outputs
    if task.given is None:
        return keras.Model(backbone.inputs[0], task.head(features), name=backbone.name)
    given = keras.Input((None,), dtype="int32", name="given")
    return keras.Model([backbone.inputs[0], given], task.head([*backbone.outputs, given]), name=backbone.name)


def single_label(
    labels: Sequence[str],
    *,
    hidden: Sequence[int] = (),
    dropout: float = 0.0,
    pooling: Pooling = "avg",
    weights: Sequence[float] | None = None,
    focal: float = 0.0,
) -> Task:
    """One class for each picture or text: pooling, Dense layers, softmax, cross-entropy.

    Args:
        labels: Names of the classes; targets are indices into it.
        hidden: Units of Dense layers with ReLU before the last one.
        dropout: Fraction of the features dropped before the last layer, 0 or more and below 1.
        pooling: Mean or maximum over the places of the last feature map (or the tokens), or both beside each other, or
            the first token, which BERT is trained to tell texts apart by.
        weights: Of the loss of each class; None weighs all alike.
        focal: Exponent of the focal loss, 0 or more; 0 is cross-entropy (Lin et al. 2017, arXiv:1708.02002).
    """
    if len(labels) < 2:
        raise ConfigError("A classifier needs at least two labels", received=list(labels), fix="Add another class")
    plain = weights is None and not focal
    return Task(
        head=dense_head(len(labels), "softmax", hidden=hidden, dropout=dropout, pooling=pooling),
        loss="sparse_categorical_crossentropy" if plain else cross_entropy(weights, focal),
        metrics=(keras.metrics.SparseCategoricalAccuracy(name="accuracy"),),
        monitor="val_accuracy",
        mode="max",
        chance_loss=math.log(len(labels)) if plain else math.inf,
    )


def multi_label(
    labels: Sequence[str],
    *,
    hidden: Sequence[int] = (),
    dropout: float = 0.0,
    pooling: Pooling = "avg+max",
    weights: Sequence[float] | None = None,
    focal: float = 0.0,
) -> Task:
    """Any number of classes for each picture: pooling, Dense layers, a sigmoid for each, binary cross-entropy.

    Args:
        labels: Names of the classes; targets are (batch, labels), 1 or 0.
        hidden: As for `single_label`, and so are `dropout` and `pooling`.
        dropout: Fraction of the features dropped.
        pooling: Both, by default: a small object stands out in the maximum.
        weights: Of the loss of each label where it is there; where it is not, the weight is 1. Keras's `class_weight`
            takes the first label of each picture for its class instead.
        focal: Exponent of the focal loss.
    """
    if not labels:
        raise ConfigError("Tags need at least one label", received="none", fix="Check `--columns.tags`")
    plain = weights is None and not focal
    return Task(
        head=dense_head(len(labels), "sigmoid", hidden=hidden, dropout=dropout, pooling=pooling),
        loss=binary_cross_entropy(weights, focal),
        metrics=(keras.metrics.AUC(curve="PR", multi_label=True, num_labels=len(labels), name="pr_auc"),),
        monitor="val_pr_auc",
        mode="max",
        chance_loss=math.log(2) if plain else math.inf,
    )


def sequence(decoder: Decoder | DecoderSize, pieces: Subwords, *, longest: int, smoothing: float = 0.0) -> Task:
    """A text for each text: a decoder that goes on from the right beginning, and cross-entropy of the next tokens.

    Args:
        decoder: That of the encoder, or the size of a new one.
        pieces: That answers are made of; targets are (batch, length), from start to end, padded.
        longest: Tokens of a target at most.
        smoothing: Share of the truth that is spread over all tokens, 0 or more and below 1 (Szegedy et al. 2016,
            arXiv:1512.00567).
    """
    check_range("smoothing", smoothing, least=0, below=1, fix="0.1 is usual")
    if isinstance(decoder, DecoderSize):
        decoder = partial(new_decoder, size=decoder, vocabulary=pieces.size, longest=longest)
    return Task(
        head=decoder,
        loss=partial(token_loss, pad=pieces.pad, smoothing=smoothing),
        metrics=(keras.metrics.MeanMetricWrapper(token_accuracy, name="token_accuracy", pad=pieces.pad),),
        monitor="val_loss",
        mode="min",
        chance_loss=math.log(pieces.size),
        given=lambda targets: pieces.up_to_longest(targets)[:, :-1],
        encode=lambda targets: pieces.up_to_longest(targets)[:, 1:],
    )


def regression(
    names: Sequence[str],
    *,
    mean: Sequence[float],
    deviation: Sequence[float],
    error: Literal["squared", "absolute", "huber"] = "squared",
    hidden: Sequence[int] = (),
    dropout: float = 0.0,
    pooling: Pooling = "avg",
) -> Task:
    """One or several numbers for each picture, in the units of the person.

    The network answers in deviations from the mean, which the last layer turns into units; the loss is that of the
    deviations, so that no quantity outweighs another.

    Args:
        names: Of the quantities; targets are (batch, quantities).
        mean: Of each quantity in the training split.
        deviation: Standard deviation of each, above 0.
        error: `"squared"`, `"absolute"`, or `"huber"`: squared below one deviation, absolute above it.
        hidden: As for `single_label`, and so are `dropout` and `pooling`.
        dropout: Fraction of the features dropped.
        pooling: Mean or maximum over the places of the last feature map, or both.
    """
    check_range("deviation", min(deviation), above=0)
    head = dense_head(len(names), "linear", hidden=hidden, dropout=dropout, pooling=pooling, name="head_deviations")
    scale = np.asarray(deviation, np.float32)
    loss_of = {"squared": ops.square, "absolute": ops.abs, "huber": huber}[error]

    def in_units(features: Any) -> Any:
        scaling = {"scale": list(map(float, deviation)), "offset": list(map(float, mean))}
        return keras.layers.Rescaling(**scaling, dtype="float32", name="head_predictions")(head(features))

    def loss(truth: Any, answer: Any) -> Any:
        return ops.mean(loss_of((ops.cast(truth, "float32") - answer) / scale), axis=-1)

    # of the mean as the answer: one squared deviation, some 0.8 of one for a normal distribution
    return Task(
        head=in_units,
        loss=loss,
        metrics=(keras.metrics.MeanAbsoluteError(name="mae"),),
        monitor="val_loss",
        mode="min",
        chance_loss={"squared": 1.0, "absolute": 1.0, "huber": 0.5}[error],
    )
