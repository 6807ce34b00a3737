"""A model of tokens as a model of texts: the tokenizer in front of it, inside the saved file."""

from __future__ import annotations

import keras

from tfft.models.encoders import Encoder


def from_strings(model: keras.Model, encoder: Encoder, length: int) -> keras.Model:
    """Puts the tokenizer of an encoder before a model.

    Args:
        model: Takes tokens, (batch, length), int32; perhaps, as its second input, what is given of an answer.
        encoder: Whose tokens they are.
        length: Tokens that a text is cut to.

    Returns:
        A model that takes texts, (batch,), strings, and what else the model takes; opened, `predict` answers to an
        array of them. It is made of Keras's and KerasHub's own layers.
    """
    import keras_hub

    start, end = ((edge or [None])[0] for edge in encoder.edges)
    text = keras.Input((), dtype="string", name="text")
    pack = keras_hub.layers.StartEndPacker(length, start, end, encoder.pad, name="pack")
    tokens = pack(encoder.tokenizer(text))
    if len(model.inputs) == 1:
        return keras.Model(text, model(tokens), name=model.name)
    given = keras.Input((None,), dtype="int32", name="given")
    return keras.Model([text, given], model([tokens, given]), name=model.name)
