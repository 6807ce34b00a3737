"""Saved models that generate texts: their subword tokenizer, and a function that generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import tensorflow as tf

from tfft import extras, files
from tfft.errors import ConfigError
from tfft.models.decoder import of_layers
from tfft.models.generating import answerer
from tfft.models.sizes import Search
from tfft.models.subwords import Subwords, pretrained_subwords
from tfft.serving.bundle import open_model

PIECES, LENGTHS = "answers.spm", "answers.json"
"""The subword tokenizer in SentencePiece's format; the maximum length of a generated text and the search."""


def save_pieces(subwords: Subwords, folder: Path, *, longest: int, search: Search) -> None:
    """Writes `answers.json`, with the maximum length in tokens and the search, and `answers.spm`, the tokenizer, unless
    it is the network's own, which `model.keras` contains."""
    if subwords.learned:
        with files.replacing(folder / PIECES) as temporary:
            temporary.write_bytes(subwords.tokenizer.proto)
    files.write_json(folder / LENGTHS, {"longest": longest, "search": asdict(search)})


def open_answerer(folder: str | Path, search: Search | None = None) -> Callable[[Sequence[str]], list[str]]:
    """Opens the saved model of a run of `translation` or `summarization`.

    Args:
        folder: Folder of the run, with `model.keras`, `answers.json` and, for a new decoder, `answers.spm`.
        search: How to search for the most likely text; by default as in the run.

    Returns:
        A function from a list of texts to a list of generated texts; it raises `ConfigError` for a single string.

    Raises:
        ConfigError: If the folder contains no such model.

    Example:

        translate = open_answerer("runs/mine")
        translate(["A dog runs."])
    """
    extras.require("text")
    folder = Path(folder)
    if missing := [name for name in ("model.keras", LENGTHS) if not (folder / name).is_file()]:
        raise _not_a_run(f"no {' and no '.join(missing)} in {folder}")
    try:
        saved = files.read_json(folder / LENGTHS)
        longest, search = int(saved["longest"]), search or Search(**saved["search"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_a_run(f"{folder / LENGTHS} has no valid length and search") from error
    whole = open_model(folder)
    model = next(layer for layer in whole.layers if isinstance(layer, keras.Model))
    tokens_of = keras.Model(whole.inputs[0], whole.get_layer("pack").output)
    pieces = _pieces(folder, model, whole, longest)
    generate = answerer(model, pieces, search, longest=longest)

    def texts_for(texts: Sequence[str]) -> list[str]:
        inputs = list(texts)  # any sequence, such as an array
        if isinstance(texts, str) or not all(isinstance(text, str) for text in inputs):
            raise ConfigError(
                f"Texts must be a list of strings (got {repr(texts)[:80]})", fix='Write `["..."]` for one'
            )
        if not inputs:
            return []
        tokens = tokens_of.predict(tf.constant(inputs), verbose=0)
        return pieces.texts(generate(tokens))

    return texts_for


def _pieces(folder: Path, model: keras.Model, whole: keras.Model, longest: int) -> Subwords:
    import keras_hub

    if of_layers(model.layers).pretrained:
        tokenizer = next(layer for layer in whole.layers if isinstance(layer, keras_hub.tokenizers.Tokenizer))
        return pretrained_subwords(tokenizer, longest)
    if not (folder / PIECES).is_file():
        raise _not_a_run(f"no {PIECES} in {folder}")
    return Subwords(keras_hub.tokenizers.SentencePieceTokenizer((folder / PIECES).read_bytes()), longest)


def _not_a_run(reason: str) -> ConfigError:
    return ConfigError(
        f"Not the folder of a run of `translation` or `summarization`: {reason}", fix="Choose another folder"
    )
