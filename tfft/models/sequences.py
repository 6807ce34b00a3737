"""Sequence to sequence: a decoder behind an encoder, and the task of predicting the next token."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import keras
import numpy as np

from tfft.errors import check_range
from tfft.models.decoder import new_decoder
from tfft.models.encoders import Encoder
from tfft.models.generating import answerer
from tfft.models.losses import token_accuracy, token_loss
from tfft.models.precision import in_float32
from tfft.models.sizes import DecoderSize, Search
from tfft.models.subwords import Subwords
from tfft.models.tasks import Task


def attach_decoder(encoder: Encoder, size: DecoderSize, pieces: Subwords, *, longest: int) -> keras.Model:
    """Adds a decoder to an encoder: its pretrained one, or a new one if it has none.

    Args:
        encoder: The encoder; its layers are shared, not copied.
        size: Size of a new decoder.
        pieces: Tokenizer of the target texts.
        longest: Maximum length of a target text in tokens.

    Returns:
        A model from tokens of source texts, (batch, length), and of the beginnings of target texts, (batch, given),
        int32, to logits of the next tokens, (batch, given, vocabulary).
    """
    beginnings = keras.Input((None,), dtype="int32", name="given")
    features = [*encoder.model.outputs, beginnings]
    if encoder.decoder is not None:
        logits = encoder.decoder(features)
    else:
        logits = new_decoder(features, size=size, vocabulary=pieces.size, longest=longest)
    return keras.Model([encoder.model.inputs[0], beginnings], logits, name=encoder.model.name)


def sequence(pieces: Subwords, *, longest: int, smoothing: float = 0.0, search: Search = Search()) -> Task:
    """A text for each text: cross-entropy of the next token, with teacher forcing.

    Args:
        pieces: Tokenizer of the target texts; targets are (batch, length), from start to end token, padded.
        longest: Maximum length of a target text in tokens.
        smoothing: Label smoothing, in [0, 1) (Szegedy et al. 2016, arXiv:1512.00567).
        search: How texts are generated.
    """
    check_range("smoothing", smoothing, least=0, below=1, fix="0.1 is usual")
    return Task(
        loss=partial(token_loss, pad=pieces.pad, smoothing=smoothing),
        metrics=(keras.metrics.MeanMetricWrapper(token_accuracy, name="token_accuracy", pad=pieces.pad),),
        monitor="val_loss",
        mode="min",
        outputs=(None, None),
        chance_loss=math.log(pieces.size),
        given=lambda targets: pieces.up_to_longest(targets)[:, :-1],
        encode=lambda targets: pieces.up_to_longest(targets)[:, 1:],
        answering=lambda model: _generator(model, pieces, search, longest),
    )


def _generator(model: keras.Model, pieces: Subwords, search: Search, longest: int) -> Callable[[np.ndarray], list[str]]:
    """Returns a function from tokens of source texts, (batch, length), to generated texts."""
    generate = answerer(model, pieces, search, longest=longest)

    def texts(tokens: np.ndarray) -> list[str]:
        with in_float32(model):  # the caches of keys and values are float32
            return pieces.texts(generate(tokens))

    return texts
