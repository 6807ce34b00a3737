"""Outputs of a saved model for batches of pictures or texts, as numbers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from tfft.data.batching.widths import widths_of
from tfft.errors import ConfigError, listed
from tfft.models.decoder import of_layers
from tfft.models.folding import folded
from tfft.models.generating import answerer
from tfft.models.subwords import Subwords, pretrained_subwords
from tfft.serving.contract import Contract, Generation, PictureInput

Outputs = Callable[[np.ndarray], Any]
"""From a batch to the outputs for it, (batch, ...), in the structure of the outputs of the model."""
MIRRORED = ("classification", "multilabel", "regression", "segmentation")
"""Tasks whose outputs for a picture and its mirror image have a mean."""


def outputs_of(model: keras.Model, contract: Contract, folder: Path) -> Outputs:
    """A function from a batch of pictures, (batch, height, width, 3), uint8, or texts, (batch,), to outputs.

    Raises:
        ConfigError: If the model is not of the kind that the contract says.
    """
    if isinstance(contract.input, PictureInput):
        return _of_pictures(fixed_size(model), contract, folder)
    return _of_texts(model, contract, folder)


def fixed_size(model: keras.Model) -> keras.Model:
    """The model for pictures of one size inside a model for pictures of any size; other models as they are."""
    if len(model.inputs[0].shape) == 4 and model.inputs[0].shape[1] is None:
        return next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    return model


def _of_pictures(model: keras.Model, contract: Contract, folder: Path) -> Outputs:
    size = contract.input.image_size
    if len(model.inputs) != 1 or tuple(model.inputs[0].shape[1:]) != (*size, 3):
        raise _other_model(folder, f"pictures of {size[0]} x {size[1]} pixels")
    _check_outputs(model, contract, folder)
    model = folded(model)

    @tf.function(input_signature=[tf.TensorSpec((None, *size, 3), tf.uint8)], autograph=False)
    def run(pixels: tf.Tensor) -> Any:
        return model(tf.cast(pixels, tf.float32), training=False)

    traced = run.get_concrete_function()  # one graph for batches of all sizes

    def outputs(pixels: np.ndarray) -> Any:
        return tree.map_structure(np.asarray, traced(tf.constant(pixels)))

    outputs.model = model  # keeps its variables alive
    return outputs


def _check_outputs(model: keras.Model, contract: Contract, folder: Path) -> None:
    count, shapes = len(contract.labels), [tuple(tensor.shape[1:]) for tensor in model.outputs]
    match contract.task:
        case "detection":
            fits = isinstance(model.output, dict) and [
                (len(tensor.shape), tensor.shape[-1] if name == "boxes" else None, tensor.dtype)
                for name, tensor in sorted(model.output.items())
            ] == [(3, 4, "float32"), (2, None, "int32"), (2, None, "float32")]
        case "segmentation":
            fits = shapes == [(*contract.input.image_size, count)]
        case _:
            fits = shapes == [(count,)]
    if not fits:
        raise _other_model(folder, f"outputs for {count} labels")


def _of_texts(whole: keras.Model, contract: Contract, folder: Path) -> Outputs:
    names = {layer.name for layer in whole.layers}
    model = network_of(whole)
    if model is None or "pack" not in names or whole.inputs[0].dtype != "string":
        raise _other_model(folder, "texts")
    pad, tokenize = whole.get_layer("pack").pad_value, tokens_of(whole)
    if contract.generation is not None:
        pieces = subwords_of(folder, whole, contract.generation)
        generate = answerer(model, pieces, contract.generation.search, longest=contract.generation.longest)
        return lambda texts: pieces.texts(generate(_narrow(tokenize(texts), pad)))
    if tuple(model.outputs[0].shape[1:]) != (len(contract.labels),):
        raise _other_model(folder, f"outputs for {len(contract.labels)} labels")

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def run(tokens: tf.Tensor) -> tf.Tensor:
        return model(tokens, training=False)

    return lambda texts: run(tf.constant(_narrow(tokenize(texts), pad))).numpy()


def tokens_of(whole: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function from texts, (batch,), to tokens, (batch, length), int32, by the tokenizer in a saved model."""
    model = keras.Model(whole.inputs[0], whole.get_layer("pack").output)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False)
    def tokenize(texts: tf.Tensor) -> tf.Tensor:
        return tf.cast(model(texts, training=False), tf.int32)

    return lambda texts: tokenize(tf.constant(texts)).numpy()


def _narrow(tokens: np.ndarray, pad: int) -> np.ndarray:
    """Tokens, (batch, length), cut to the width of the longest text: padding changes nothing but the last bits."""
    used = np.flatnonzero((tokens != pad).any(axis=0))
    return tokens[:, : int(widths_of(np.array([used[-1] + 1 if len(used) else 1]))[0])]


def network_of(whole: keras.Model) -> keras.Model | None:
    """The network for tokens inside a saved model for texts; None if there is none."""
    return next((layer for layer in whole.layers if isinstance(layer, keras.Model)), None)


def subwords_of(folder: Path, whole: keras.Model, generation: Generation) -> Subwords:
    """The tokenizer of the texts that a saved model generates.

    Raises:
        ConfigError: If it is damaged.
    """
    import keras_hub

    if of_layers(network_of(whole).layers).pretrained:
        tokenizer = next(layer for layer in whole.layers if isinstance(layer, keras_hub.tokenizers.Tokenizer))
        return pretrained_subwords(tokenizer, generation.longest)
    try:
        proto = base64.b64decode(generation.subwords or "", validate=True)
        tokenizer = keras_hub.tokenizers.SentencePieceTokenizer(proto)
    except (binascii.Error, ValueError, TypeError, RuntimeError, tf.errors.OpError) as error:
        raise ConfigError(f"The subwords of the run in {folder} are damaged", fix="Copy the folder again") from error
    return Subwords(tokenizer, generation.longest)


def _other_model(folder: Path, what: str) -> ConfigError:
    return ConfigError(
        f"model.keras and serving.json in {folder} do not belong together: the latter says {what}",
        fix="Copy the folder again",
    )


def mirrored_too(outputs: Outputs, contract: Contract) -> Outputs:
    """The mean of the outputs for pictures and for their mirror images.

    Raises:
        ConfigError: If a mirrored picture means something else, or outputs have no mean.
    """
    if contract.task not in MIRRORED or not isinstance(contract.input, PictureInput):
        raise ConfigError(f"`--tta` works for pictures and {listed(MIRRORED)}, not here", fix="Leave it out")
    if not contract.input.flip:
        raise ConfigError(
            "`--tta` mirrors pictures, but the run was trained with `--no-flip`, where left and right matter",
            fix="Leave it out",
        )
    back = (lambda masks: masks[:, :, ::-1]) if contract.task == "segmentation" else (lambda same: same)
    return lambda pixels: (outputs(pixels) + back(outputs(np.ascontiguousarray(pixels[:, :, ::-1])))) / 2
