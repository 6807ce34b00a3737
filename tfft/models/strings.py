"""A model of tokens as a model of texts: the tokenizer in front of it, inside the saved file."""

from __future__ import annotations

import keras

from tfft.models.encoders import Encoder


def from_strings(model: keras.Model, encoder: Encoder, length: int) -> keras.Model:
    """Puts the tokenizer of an encoder before a model.

    Args:
        model: Takes tokens, (batch, length), int32.
        encoder: Whose tokens they are.
        length: Tokens that a text is cut to.

    Returns:
        A model that takes texts, (batch,), strings; opened, `predict` answers to an array of them. It is made of
        Keras's and KerasHub's own layers.
    """
    import keras_hub

    start, end = ((edge or [None])[0] for edge in encoder.edges)
    text = keras.Input((), dtype="string", name="text")
    pack = keras_hub.layers.StartEndPacker(length, start, end, encoder.pad, name="pack")
    return keras.Model(text, model(pack(encoder.tokenizer(text))), name=model.name)
