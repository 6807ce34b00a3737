"""Answers of an encoder with a decoder, token by token, as KerasHub's samplers find them: greedy, or by beam search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfft.models.decoder import decoder_of, step
from tfft.models.sizes import Search
from tfft.models.subwords import END, PAD, START

NEVER = -1e9
"""Logit of what must not come."""


def answerer(model: keras.Model, search: Search, *, longest: int) -> Callable[[np.ndarray], np.ndarray]:
    """What answers texts.

    Args:
        model: From tokens of texts and of beginnings of answers to logits, as `attach_head` makes it of a `sequence`.
        search: How to look for the most likely answer. Of the beams the one with the highest logarithm of its
            probability, divided by ((5 + tokens) / 6) to the power of the length penalty (Wu et al. 2016,
            arXiv:1609.08144), is the answer.
        longest: Tokens of an answer at most, with those of start and end.

    Returns:
        From tokens of texts, (batch, length), to tokens of answers, (batch, longest), padded.
    """
    import keras_hub

    made = decoder_of(model)
    # whose blocks are given features and mask
    call = made.blocks[0]._inbound_nodes[0]
    features, mask = call.arguments.args[1], call.arguments.kwargs["encoder_padding_mask"]
    encode = keras.Model(model.inputs[0], [features, mask])
    samplers = keras_hub.samplers
    sampler = samplers.GreedySampler() if search.beams == 1 else samplers.BeamSampler(search.beams, True)

    def following(prompt: Any, cache: Any, index: Any) -> tuple[Any, None, Any]:
        own, others, features, mask = cache
        last = prompt[:, index - 1 : index]
        logits, own, _ = step(made, last, features, mask, own, others, index - 1, first=False)
        ended = ops.logical_or(ops.equal(last, END), ops.equal(last, PAD))
        pads = ops.cast(ops.arange(ops.shape(logits)[-1]) == PAD, "float32")
        starts = ops.cast(ops.arange(ops.shape(logits)[-1]) == START, "float32")
        # behind its end an answer has nothing but padding, which costs nothing; before that none
        logits = ops.where(ended, (1 - pads) * NEVER, logits + (pads + starts) * NEVER)
        return logits, None, (own, others, features, mask)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def answer(tokens: tf.Tensor) -> tf.Tensor:
        features, mask = encode(tokens, training=False)
        count, length = tf.unstack(tf.shape(tokens))
        prompt = tf.pad(tf.fill((count, 1), START), [(0, 0), (0, longest - 1)], constant_values=PAD)
        own, others = (_empty(made, count, most) for most in (longest, length))
        _, own, others = step(made, prompt[:, :1], features, mask, own, others, 0, first=True)
        found = sampler(following, prompt, cache=(own, others, features, mask), index=1, stop_token_ids=(END,))
        return found if search.beams == 1 else _best(*found, search.length_penalty)

    return lambda tokens: answer(tokens).numpy()


def _empty(made: Any, count: Any, length: Any) -> Any:
    attention = made.blocks[0]._self_attention_layer
    return tf.zeros((count, len(made.blocks), 2, length, attention.num_heads, attention.key_dim))


def _best(beams: Any, logs: Any, penalty: float) -> Any:
    """Of some answers to each text, (batch, beams, longest), that with the best score for its length."""
    lengths = ops.sum(ops.cast(ops.not_equal(beams, PAD), "float32"), axis=-1) - 1
    scores = logs / ops.power((5 + lengths) / 6, penalty)
    best = ops.argmax(scores, axis=-1)[:, None, None]
    return ops.squeeze(ops.take_along_axis(beams, ops.cast(best, "int32"), axis=1), axis=1)
