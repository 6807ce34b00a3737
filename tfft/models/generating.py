"""Text generation with an encoder and a decoder, by KerasHub's samplers: greedy or with beam search."""

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
"""Logit of tokens that must not be generated."""


def answerer(
    model: keras.Model, pieces: Subwords, search: Search, *, longest: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function that generates target texts as arrays, see `generator`."""
    generate = generator(model, pieces, search, longest=longest)
    return lambda tokens: generate(tokens).numpy()


def generator(
    model: keras.Model, pieces: Subwords, search: Search, *, longest: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function of TensorFlow that generates target texts.

    Args:
        model: From tokens of source texts and of beginnings of target texts to logits, as `attach_decoder` builds it.
        pieces: Tokenizer of the target texts.
        search: How to search for the most likely text. The beam with the highest log probability, divided by
            ((5 + tokens) / 6) to the power of the length penalty (Wu et al. 2016, arXiv:1609.08144), wins.
        longest: Maximum length of a target text in tokens, with start and end tokens.

    Returns:
        A function from tokens of source texts, (batch, length), to tokens of target texts, (batch, longest), padded.
    """
    import keras_hub

    decoder = of_layers(model.layers)
    encode = keras.Model(model.inputs[0], list(looked_at(model, decoder)))
    samplers = keras_hub.samplers
    sampler = samplers.GreedySampler() if search.beams == 1 else samplers.BeamSampler(search.beams, True)
    shape = (len(decoder.blocks), 2, longest, *decoder.heads())
    begun = len(pieces.starts)
    # the start token may be the end (BART) or the padding (T5); the unknown token stands for no text
    never = {pieces.pad, *pieces.starts, pieces.unknown} - {pieces.end, None}
    beginning = np.full(longest, pieces.pad, np.int32)
    beginning[:begun] = pieces.starts

    def following(features: Any, mask: Any, others: Any) -> Callable[..., tuple[Any, None, Any]]:
        """Returns the function that KerasHub's samplers call for the logits of the next tokens."""

        def next_logits(prompt: Any, packed: Any, index: Any) -> tuple[Any, None, Any]:
            last = prompt[:, index - 1 : index]
            own = tf.reshape(tf.bitcast(packed, tf.float32), (-1, *shape))
            logits, own, _ = decoder.step(last, features, mask, own, others, index - 1, first=False)
            tokens = ops.arange(ops.shape(logits)[-1])
            pads = ops.cast(tokens == pieces.pad, "float32")
            # an embedding may have more rows than there are tokens
            banned = ops.any([*(tokens == mark for mark in never), tokens >= pieces.size], axis=0)
            ended = ops.logical_and(index > begun, ops.logical_or(last == pieces.end, last == pieces.pad))
            # after its end a text has only padding, at no cost; before, no padding
            return ops.where(ended, (1 - pads) * NEVER, ops.where(banned, NEVER, logits)), None, _packed(own)

        return next_logits

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def generate(tokens: tf.Tensor) -> tf.Tensor:
        encoded = encode(tokens, training=False)
        count, length = tf.unstack(tf.shape(tokens))
        prompt = tf.repeat(beginning[None], count, axis=0)
        own, others = tf.zeros((count, *shape)), tf.zeros((count, *shape[:2], length, *shape[3:]))
        _, own, others = decoder.step(prompt[:, :begun], *encoded, own, others, 0, first=True)
        mask = tf.repeat(np.arange(longest)[None] < begun, count, axis=0)
        # outside the cache, since they are the same for all beams: a sampler reorders its cache at every token
        logits_of = following(*(tf.repeat(tensor, search.beams, axis=0) for tensor in (*encoded, others)))
        output = sampler(logits_of, prompt, cache=_packed(own), index=begun, mask=mask, stop_token_ids=(pieces.end,))
        return output if search.beams == 1 else _best(*output, pieces, search.length_penalty)

    return generate


def _packed(keys: Any) -> Any:
    """Keys and values of each text as half as many numbers, because a sampler reorders them one by one."""
    return tf.bitcast(tf.reshape(keys, (tf.shape(keys)[0], -1, 2)), tf.int64)


def _best(beams: Any, logs: Any, pieces: Subwords, penalty: float) -> Any:
    """Picks the best of the beams for each text, (batch, beams, longest), by log probability and length."""
    used = ops.not_equal(beams[:, :, len(pieces.starts) :], pieces.pad)
    scores = logs / ops.power((5 + ops.sum(ops.cast(used, "float32"), axis=-1)) / 6, penalty)
    best = ops.argmax(scores, axis=-1)[:, None, None]
    return ops.squeeze(ops.take_along_axis(beams, ops.cast(best, "int32"), axis=1), axis=1)
