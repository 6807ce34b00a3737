"""A saved model that makes texts: the pieces of its answers beside it, and a function that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tfft import extras, files
from tfft.errors import ConfigError
from tfft.models.decoder import decoder_of
from tfft.models.generating import answerer
from tfft.models.sizes import Search
from tfft.models.subwords import Subwords

PIECES = "answers.spm"
"""SentencePiece's own format."""


def save_pieces(subwords: Subwords, folder: Path) -> None:
    """Writes `answers.spm`, the pieces of words that answers are made of."""
    with files.replacing(folder / PIECES) as temporary:
        temporary.write_bytes(subwords.tokenizer.proto)


def open_answerer(folder: str | Path, search: Search = Search()) -> Callable[[Sequence[str]], list[str]]:
    """Opens what a run of `translation` or `summarization` saved.

    Args:
        folder: Of the run, with `model.keras` and `answers.spm`.
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
    import keras_hub

    folder = Path(folder)
    if missing := [name for name in ("model.keras", PIECES) if not (folder / name).is_file()]:
        raise ConfigError(
            "The folder is that of a run of `translation` or `summarization`",
            received=f"no {' and no '.join(missing)} in {folder}",
        )
    whole = keras.saving.load_model(folder / "model.keras", compile=False)
    model = next(layer for layer in whole.layers if isinstance(layer, keras.Model))
    tokens_of = keras.Model(whole.inputs[0], whole.get_layer("pack").output)
    longest = decoder_of(model).positions.sequence_length
    tokenizer = keras_hub.tokenizers.SentencePieceTokenizer((folder / PIECES).read_bytes())
    answer = answerer(model, search, longest=longest)

    def answers(texts: Sequence[str]) -> list[str]:
        tokens = tokens_of.predict(tf.constant(list(texts)), verbose=0)
        return Subwords(tokenizer).texts(answer(tokens))

    return answers
