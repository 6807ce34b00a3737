"""Turns a model for tokens into a model for texts, with the tokenizer inside the saved file."""

from __future__ import annotations

import keras

from tfft.models.encoders import Encoder


def from_strings(model: keras.Model, encoder: Encoder, length: int) -> keras.Model:
    """Adds the tokenizer of an encoder in front of a model.

    Args:
        model: A model for tokens, (batch, length), int32, and possibly, as its second input, tokens of target texts.
        encoder: The encoder of the model.
        length: Length in tokens that texts are truncated to.

    Returns:
        A model that takes texts, (batch,), strings, and the second input, if any; its `predict` takes an array of
        texts. It consists of layers of Keras and KerasHub.
    """
    import keras_hub

    start, end = ((edge or [None])[0] for edge in encoder.edges)
    text = keras.Input((), dtype="string", name="text")
    pack = keras_hub.layers.StartEndPacker(length, start, end, encoder.pad, name="pack")
    tokens = pack(encoder.tokenizer(text))
    if len(model.inputs) == 1:
        return keras.Model(text, model(tokens), name=model.name)
    beginnings = keras.Input((None,), dtype="int32", name="given")
    return keras.Model([text, beginnings], model([tokens, beginnings]), name=model.name)
