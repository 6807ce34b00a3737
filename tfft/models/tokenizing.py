"""Texts to tokens with KerasHub's tokenizers, tokens to rows of one length, and a vocabulary made from texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

TOKENIZED_TOGETHER = 1024
"""Texts."""


def packed(tokens: Sequence[np.ndarray], length: int, edges: tuple[list[int], list[int]], pad: int) -> np.ndarray:
    """Tokens of texts between those of start and end, cut and filled up to one length, (texts, length), int32."""
    start, end = edges
    rows = np.full((len(tokens), length), pad, np.int32)
    for row, one in zip(rows, tokens, strict=True):
        whole = np.concatenate([start, one[: length - len(start) - len(end)], end])
        row[: len(whole)] = whole
    return rows


def tokenized(tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """The tokens of each text, uncut; through a graph, as in the saved model, for KerasHub has another way without."""
    found: list[np.ndarray] = []
    batches = tf.data.Dataset.from_tensor_slices(list(texts)).batch(TOKENIZED_TOGETHER)
    tokenize = tf.autograph.experimental.do_not_convert(tokenizer.tokenize)  # nothing to convert, but seconds to look
    bar = tqdm(batches.map(tokenize), desc="Tokenizing", unit=" thousand texts", disable=None, leave=False)
    for batch in bar:
        found += np.split(batch.values.numpy(), batch.row_splits.numpy()[1:-1])
    return found


def unknown_token(tokenizer: Any) -> int | None:
    """The token of what a vocabulary of KerasHub's does not have; None where it has all."""
    word = getattr(tokenizer, "oov_token", None) or getattr(tokenizer, "unk_token", None)
    # SentencePiece's has its number alone
    return getattr(tokenizer, "_unk_token_id", None) if word is None else tokenizer.token_to_id(word)


def word_pieces(texts: Iterable[str], size: int, *, reserved: Sequence[str], lowercase: bool) -> list[str]:
    """A vocabulary of at most `size` words and pieces (Schuster and Nakajima 2012), the reserved ones first."""
    import keras_hub

    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        tf.data.Dataset.from_tensor_slices(list(texts)), size, lowercase=lowercase, reserved_tokens=list(reserved)
    )
