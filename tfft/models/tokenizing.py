"""Tokenizes texts with KerasHub's tokenizers, packs tokens into rows of one length, learns a WordPiece vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

TOKENIZED_TOGETHER = 1024
"""Number of texts in one batch."""


def packed(tokens: Sequence[np.ndarray], length: int, edges: tuple[list[int], list[int]], pad: int) -> np.ndarray:
    """Adds start and end tokens, truncates and pads to one length: (texts, length), int32."""
    start, end = edges
    rows = np.full((len(tokens), length), pad, np.int32)
    for row, one in zip(rows, tokens, strict=True):
        whole = np.concatenate([start, one[: length - len(start) - len(end)], end])
        row[: len(whole)] = whole
    return rows


def tokenized(tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Returns the tokens of each text, not truncated; in a graph, as in the saved model, because eager code differs."""
    rows: list[np.ndarray] = []
    batches = tf.data.Dataset.from_tensor_slices(list(texts)).batch(TOKENIZED_TOGETHER)
    tokenize = tf.autograph.experimental.do_not_convert(tokenizer.tokenize)  # seconds of work that change nothing
    bar = tqdm(batches.map(tokenize), desc="Tokenizing", unit=" thousand texts", disable=None, leave=False)
    for batch in bar:
        rows += np.split(batch.values.numpy(), batch.row_splits.numpy()[1:-1])
    return rows


def unknown_token(tokenizer: Any) -> int | None:
    """Returns the token for text that is not in the vocabulary of a KerasHub tokenizer; None if there is none."""
    word = getattr(tokenizer, "oov_token", None) or getattr(tokenizer, "unk_token", None)
    # a SentencePiece tokenizer has only the index
    return getattr(tokenizer, "_unk_token_id", None) if word is None else tokenizer.token_to_id(word)


def word_pieces(texts: Iterable[str], size: int, *, reserved: Sequence[str], lowercase: bool) -> list[str]:
    """Learns a vocabulary of at most `size` words and word pieces (Schuster and Nakajima 2012), reserved ones first."""
    import keras_hub

    return keras_hub.tokenizers.compute_word_piece_vocabulary(
        tf.data.Dataset.from_tensor_slices(list(texts)), size, lowercase=lowercase, reserved_tokens=list(reserved)
    )
