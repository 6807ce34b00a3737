"""A saved model that makes texts: the pieces of its answers beside it, and a function that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tfft import extras, files
from tfft.errors import ConfigError
from tfft.models.decoder import of_layers
from tfft.models.generating import answerer
from tfft.models.sizes import Search
from tfft.models.subwords import Subwords, pretrained_subwords

PIECES = "answers.spm"
"""SentencePiece's own format."""


def save_pieces(subwords: Subwords, folder: Path) -> None:
    """Writes `answers.spm`, the pieces of words that answers are made of, unless the network has them itself."""
    if not subwords.learned:
        return
    with files.replacing(folder / PIECES) as temporary:
        temporary.write_bytes(subwords.tokenizer.proto)


def open_answerer(folder: str | Path, search: Search = Search()) -> Callable[[Sequence[str]], list[str]]:
    """Opens what a run of `translation` or `summarization` saved.

    Args:
        folder: Of the run, with `model.keras` and, where the decoder was a new one, `answers.spm`.
        search: How to look for answers.

    Returns:
        From texts to answers.

    Raises:
        ConfigError: If the folder holds no such model.

    Example:

        translate = open_answerer("runs/mine")
        translate(["A dog runs."])
    """
    extras.require("text")
    folder = Path(folder)
    if not (folder / "model.keras").is_file():
        raise _not_one(f"no model.keras in {folder}")
    whole = keras.saving.load_model(folder / "model.keras", compile=False)
    model = next((layer for layer in whole.layers if isinstance(layer, keras.Model)), None)
    if model is None or len(whole.inputs) != 2:
        raise _not_one(f"the model.keras of another task in {folder}")
    tokens_of = keras.Model(whole.inputs[0], whole.get_layer("pack").output)
    longest = whole.inputs[1].shape[1]
    pieces = _pieces(folder, model, whole, longest)
    answer = answerer(model, pieces, search, longest=longest)

    def answers(texts: Sequence[str]) -> list[str]:
        tokens = tokens_of.predict(tf.constant(list(texts)), verbose=0)
        return pieces.texts(answer(tokens))

    return answers


def _pieces(folder: Path, model: keras.Model, whole: keras.Model, longest: int) -> Subwords:
    import keras_hub

    if of_layers(model.layers).pretrained:
        tokenizer = next(layer for layer in whole.layers if isinstance(layer, keras_hub.tokenizers.Tokenizer))
        return pretrained_subwords(tokenizer, longest)
    if not (folder / PIECES).is_file():
        raise _not_one(f"no {PIECES} in {folder}")
    return Subwords(keras_hub.tokenizers.SentencePieceTokenizer((folder / PIECES).read_bytes()), longest)


def _not_one(received: str) -> ConfigError:
    return ConfigError("The folder is that of a run of `translation` or `summarization`", received=received)
