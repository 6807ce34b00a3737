"""Answers of an encoder with a decoder, token by token, as KerasHub's samplers find them: greedy, or by beam search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfft.models.decoder import looked_at, of_layers
from tfft.models.sizes import Search
from tfft.models.subwords import Subwords

NEVER = -1e9
"""Logit of what must not come."""


def answerer(
    model: keras.Model, pieces: Subwords, search: Search, *, longest: int
) -> Callable[[np.ndarray], np.ndarray]:
    """What answers texts.

    Args:
        model: From tokens of texts and of beginnings of answers to logits, as `attach_decoder` makes it.
        pieces: That answers are made of.
        search: How to look for the most likely answer. Of the beams the one with the highest logarithm of its
            probability, divided by ((5 + tokens) / 6) to the power of the length penalty (Wu et al. 2016,
            arXiv:1609.08144), is the answer.
        longest: Tokens of an answer at most, with those of start and end.

    Returns:
        From tokens of texts, (batch, length), to tokens of answers, (batch, longest), padded.
    """
    import keras_hub

    decoder = of_layers(model.layers)
    encode = keras.Model(model.inputs[0], list(looked_at(model, decoder)))
    samplers = keras_hub.samplers
    sampler = samplers.GreedySampler() if search.beams == 1 else samplers.BeamSampler(search.beams, True)
    shape = (len(decoder.blocks), 2, longest, *decoder.heads())
    begun = len(pieces.starts)
    # the start may be the end (BART) or the padding (T5); what is not known is no text
    never = {pieces.pad, *pieces.starts, pieces.unknown} - {pieces.end, None}
    beginning = np.full(longest, pieces.pad, np.int32)
    beginning[:begun] = pieces.starts

    def following(features: Any, mask: Any, others: Any) -> Callable[..., tuple[Any, None, Any]]:
        """What KerasHub's samplers ask for the logits of the next tokens."""

        def next_logits(prompt: Any, packed: Any, index: Any) -> tuple[Any, None, Any]:
            last = prompt[:, index - 1 : index]
            own = tf.reshape(tf.bitcast(packed, tf.float32), (-1, *shape))
            logits, own, _ = decoder.step(last, features, mask, own, others, index - 1, first=False)
            tokens = ops.arange(ops.shape(logits)[-1])
            pads = ops.cast(tokens == pieces.pad, "float32")
            # an embedding may have more rows than there are tokens
            banned = ops.any([*(tokens == mark for mark in never), tokens >= pieces.size], axis=0)
            ended = ops.logical_and(index > begun, ops.logical_or(last == pieces.end, last == pieces.pad))
            # behind its end an answer has nothing but padding, which costs nothing; before that none
            return ops.where(ended, (1 - pads) * NEVER, ops.where(banned, NEVER, logits)), None, _packed(own)

        return next_logits

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def answer(tokens: tf.Tensor) -> tf.Tensor:
        seen = encode(tokens, training=False)
        count, length = tf.unstack(tf.shape(tokens))
        prompt = tf.repeat(beginning[None], count, axis=0)
        own, others = tf.zeros((count, *shape)), tf.zeros((count, *shape[:2], length, *shape[3:]))
        _, own, others = decoder.step(prompt[:, :begun], *seen, own, others, 0, first=True)
        given = tf.repeat(np.arange(longest)[None] < begun, count, axis=0)
        # of a text the same for all beams, which a sampler would put in order again at every token
        logits_of = following(*(tf.repeat(tensor, search.beams, axis=0) for tensor in (*seen, others)))
        found = sampler(logits_of, prompt, cache=_packed(own), index=begun, mask=given, stop_token_ids=(pieces.end,))
        return found if search.beams == 1 else _best(*found, pieces, search.length_penalty)

    return lambda tokens: answer(tokens).numpy()


def _packed(keys: Any) -> Any:
    """Keys and values of each text as half as many numbers, for a sampler puts them in order one by one."""
    return tf.bitcast(tf.reshape(keys, (tf.shape(keys)[0], -1, 2)), tf.int64)


def _best(beams: Any, logs: Any, pieces: Subwords, penalty: float) -> Any:
    """Of some answers to each text, (batch, beams, longest), that with the best score for its length."""
    made = ops.not_equal(beams[:, :, len(pieces.starts) :], pieces.pad)
    scores = logs / ops.power((5 + ops.sum(ops.cast(made, "float32"), axis=-1)) / 6, penalty)
    best = ops.argmax(scores, axis=-1)[:, None, None]
    return ops.squeeze(ops.take_along_axis(beams, ops.cast(best, "int32"), axis=1), axis=1)
