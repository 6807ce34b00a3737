"""A saved model that makes texts: the pieces of its answers beside it, and a function that answers."""

from __future__ import annotations

import json
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

PIECES, LENGTHS = "answers.spm", "answers.json"
"""The pieces of words, in SentencePiece's own format; how long an answer may be, and how it is looked for."""


def save_pieces(subwords: Subwords, folder: Path, *, longest: int, search: Search) -> None:
    """Writes `answers.json`, with the tokens that an answer has at most and how it is looked for, and `answers.spm`,
    the pieces of words that answers are made of, unless they are the network's own and so in `model.keras`."""
    if subwords.learned:
        with files.replacing(folder / PIECES) as temporary:
            temporary.write_bytes(subwords.tokenizer.proto)
    files.write_json(folder / LENGTHS, {"longest": longest, "search": asdict(search)})


def open_answerer(folder: str | Path, search: Search | None = None) -> Callable[[Sequence[str]], list[str]]:
    """Opens what a run of `translation` or `summarization` saved.

    Args:
        folder: Of the run, with `model.keras`, `answers.json` and, where the decoder was a new one, `answers.spm`.
        search: How to look for answers; by default as the run did.

    Returns:
        From texts to answers. It raises ConfigError for one text in place of several.

    Raises:
        ConfigError: If the folder holds no such model.

    Example:

        translate = open_answerer("runs/mine")
        translate(["A dog runs."])
    """
    extras.require("text")
    folder = Path(folder)
    if missing := [name for name in ("model.keras", LENGTHS) if not (folder / name).is_file()]:
        raise _not_one(f"no {' and no '.join(missing)} in {folder}")
    try:
        saved = json.loads((folder / LENGTHS).read_text())
        longest, search = int(saved["longest"]), search or Search(**saved["search"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_one(f"{LENGTHS} without a length or a search in {folder}") from error
    whole = keras.saving.load_model(folder / "model.keras", compile=False)
    model = next(layer for layer in whole.layers if isinstance(layer, keras.Model))
    tokens_of = keras.Model(whole.inputs[0], whole.get_layer("pack").output)
    pieces = _pieces(folder, model, whole, longest)
    answer = answerer(model, pieces, search, longest=longest)

    def answers(texts: Sequence[str]) -> list[str]:
        given = list(texts)  # of any sequence, an array too
        if isinstance(texts, str) or not all(isinstance(text, str) for text in given):
            raise ConfigError(
                "Texts to answer are a list of strings", received=repr(texts)[:80], fix='Write ["..."] also for one'
            )
        if not given:
            return []
        tokens = tokens_of.predict(tf.constant(given), verbose=0)
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
