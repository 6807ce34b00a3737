"""From texts to texts: a decoder behind an encoder, and the task of the next token."""

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
from tfft.models.sizes import DecoderSize, Search
from tfft.models.subwords import Subwords
from tfft.models.tasks import Task


def attach_decoder(encoder: Encoder, size: DecoderSize, pieces: Subwords, *, longest: int) -> keras.Model:
    """The decoder that an encoder brings, or a new one, behind it.

    Args:
        encoder: Its layers are shared, not copied.
        size: Of a new decoder.
        pieces: That answers are made of.
        longest: Tokens of an answer at most.

    Returns:
        A model from tokens of texts, (batch, length), and of the beginnings of answers, (batch, given), int32, to
        logits of the tokens that come next, (batch, given, vocabulary).
    """
    given = keras.Input((None,), dtype="int32", name="given")
    features = [*encoder.model.outputs, given]
    if encoder.decoder is not None:
        logits = encoder.decoder(features)
    else:
        logits = new_decoder(features, size=size, vocabulary=pieces.size, longest=longest)
    return keras.Model([encoder.model.inputs[0], given], logits, name=encoder.model.name)


def sequence(pieces: Subwords, *, longest: int, smoothing: float = 0.0, search: Search = Search()) -> Task:
    """A text for each text: a decoder that goes on from the right beginning, and cross-entropy of the next tokens.

    Args:
        pieces: That answers are made of; targets are (batch, length), from start to end, padded.
        longest: Tokens of a target at most.
        smoothing: Share of the truth that is spread over all tokens, 0 or more and below 1 (Szegedy et al. 2016,
            arXiv:1512.00567).
        search: How an answer is generated.
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
        answering=lambda model: _answering(model, pieces, search, longest),
    )


def _answering(model: keras.Model, pieces: Subwords, search: Search, longest: int) -> Callable[[np.ndarray], list[str]]:
    """From tokens of texts, (batch, length), to texts."""
    answer = answerer(model, pieces, search, longest=longest)
    return lambda tokens: pieces.texts(answer(tokens))
