"""Subword tokenizers for target texts, whose tokens can be turned back into texts."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tfft.models.encoders import Encoder
from tfft.models.tokenizing import packed, tokenized, unknown_token

logger = logging.getLogger(__name__)

PAD, UNKNOWN, START, END = range(4)
"""Special tokens of a vocabulary that is learned from texts."""


@dataclass(frozen=True, eq=False)
class Subwords:
    """A tokenizer for target texts: learned from texts, or the tokenizer of a pretrained decoder."""

    tokenizer: Any = field(repr=False)
    """A tokenizer of KerasHub."""
    longest: int = 1024
    """Maximum length of a target text in tokens, with start and end tokens."""
    starts: tuple[int, ...] = (START,)
    """Tokens that every target text begins with."""
    end: int = END
    pad: int = PAD
    unknown: int | None = UNKNOWN
    """The token for text that is not in the vocabulary; None if there is none."""
    silent: tuple[int, ...] = (PAD, UNKNOWN, START, END)
    """Tokens that stand for no text."""
    learned: bool = True
    """Whether it was learned from texts, so that it has to be saved in addition to the network."""

    @property
    def size(self) -> int:
        """Number of tokens in the vocabulary."""
        return self.tokenizer.vocabulary_size()

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Start and end tokens of each target text."""
        return list(self.starts), [self.end]

    @property
    def special(self) -> frozenset[int]:
        """Special tokens, such as the end token, which stand for no text."""
        return frozenset(self.silent) - {self.unknown}

    @property
    def learned_file(self) -> str | None:
        """A learned tokenizer as a SentencePiece file in base64; None for that of a pretrained decoder."""
        return base64.b64encode(self.tokenizer.proto).decode() if self.learned else None

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Returns the tokens of each text, not truncated, without start and end tokens."""
        return tokenized(self.tokenizer, texts)

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Adds start and end tokens, truncates and pads to one length: (texts, length), int32."""
        return packed(tokens, length, self.edges, self.pad)

    def up_to_longest(self, targets: np.ndarray) -> np.ndarray:
        """Cuts targets, (batch, most), to the length of the longest."""
        # the start token may be the padding
        return targets[:, : np.flatnonzero((targets != self.pad).any(axis=0))[-1] + 1]

    def texts(self, tokens: np.ndarray) -> list[str]:
        """Turns tokens, (texts, length), into texts, without start and end tokens."""
        rows = []
        for row in tokens[:, len(self.starts) :]:
            end = np.flatnonzero(row == self.end)
            row = row[: end[0]] if len(end) else row
            rows.append(row[~np.isin(row, self.silent)].tolist())
        return [str(text) for text in self.tokenizer.detokenize(rows)]


def detokenized(tokens: tf.Tensor, pieces: Subwords) -> tf.Tensor:
    """Turns tokens, (texts, length), into texts, (texts,), as `Subwords.texts` does, with operations of TensorFlow."""
    tokens = tokens[:, len(pieces.starts) :]
    before_end = tf.cumsum(tf.cast(tokens == pieces.end, tf.int32), axis=1) == 0
    speaks = tf.reduce_all(tokens[..., None] != tf.constant(sorted(pieces.silent), tf.int32), axis=-1)
    return pieces.tokenizer.detokenize(tf.ragged.boolean_mask(tokens, tf.logical_and(before_end, speaks)))


def subwords_for(encoder: Encoder, texts: Iterable[str], size: int) -> Subwords:
    """Returns the tokenizer of the encoder's pretrained decoder, or learns a new one if it has no decoder.

    Args:
        encoder: The encoder of the source texts.
        texts: Target texts of the training split, to learn a vocabulary from.
        size: Maximum size of the new vocabulary.
    """
    if encoder.decoder is not None:
        logger.info("Using the pretrained decoder of the network with its vocabulary; `--decoder` is for new ones")
        return pretrained_subwords(encoder.tokenizer, encoder.longest)
    return learn_subwords(texts, size)


def learn_subwords(texts: Iterable[str], size: int) -> Subwords:
    """Learns a vocabulary from texts (Kudo 2018, arXiv:1804.10959, as implemented in SentencePiece).

    Args:
        texts: Target texts of the training split.
        size: Maximum size of the vocabulary; a few texts give a smaller one.
    """
    import keras_hub
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=size, hard_vocab_limit=False,
        character_coverage=1.0, pad_id=PAD, unk_id=UNKNOWN, bos_id=START, eos_id=END, minloglevel=2,
    )  # fmt: skip
    return Subwords(keras_hub.tokenizers.SentencePieceTokenizer(model.getvalue(), name="subwords"))


def pretrained_subwords(tokenizer: Any, longest: int) -> Subwords:
    """Returns the tokenizer of the pretrained decoder of BART or T5.

    Args:
        tokenizer: The network's tokenizer, from KerasHub.
        longest: Maximum length of a target text in tokens.
    """
    import keras_hub

    end, pad = tokenizer.end_token_id, tokenizer.pad_token_id
    # start tokens as in pretraining and in KerasHub's preprocessors
    starts = (pad,) if isinstance(tokenizer, keras_hub.tokenizers.T5Tokenizer) else (end, tokenizer.start_token_id)
    unknown = unknown_token(tokenizer)
    silent = tuple({*tokenizer.special_token_ids, unknown} - {None})
    return Subwords(tokenizer, longest, starts, end, pad, unknown, silent, learned=False)
