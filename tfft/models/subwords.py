"""What answers are made of: pieces of words, that can be put together to texts again."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.models.encoders import Encoder
from tfft.models.tokenizing import packed, tokenized, unknown_token

logger = logging.getLogger(__name__)

PAD, UNKNOWN, START, END = range(4)
"""Of a vocabulary that is made from texts."""


@dataclass(frozen=True, eq=False)
class Subwords:
    """A tokenizer for answers: made from texts, or, of a pretrained decoder, that which it has learned with."""

    tokenizer: Any = field(repr=False)
    """KerasHub's."""
    longest: int = 1024
    """Tokens of an answer at most, with those of start and end."""
    starts: tuple[int, ...] = (START,)
    """Tokens that every answer begins with."""
    end: int = END
    pad: int = PAD
    unknown: int | None = UNKNOWN
    """The token of what the vocabulary does not have; None where it has all."""
    silent: tuple[int, ...] = (PAD, UNKNOWN, START, END)
    """Tokens that stand for no text."""
    learned: bool = True
    """Whether it was made from texts, and so has to be saved beside the network."""

    @property
    def size(self) -> int:
        """Tokens there are."""
        return self.tokenizer.vocabulary_size()

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Tokens before and behind each answer."""
        return list(self.starts), [self.end]

    @property
    def special(self) -> frozenset[int]:
        """Special tokens of the network, such as its end of a text: they stand for no text."""
        return frozenset(self.silent) - {self.unknown}

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, uncut, without those of start and end."""
        return tokenized(self.tokenizer, texts)

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Tokens between start and end, cut and filled up to one length, (texts, length), int32."""
        return packed(tokens, length, self.edges, self.pad)

    def up_to_longest(self, targets: np.ndarray) -> np.ndarray:
        """Tokens, (batch, most), from start to end, cut to the longest of them."""
        # the start may be the padding
        return targets[:, : np.flatnonzero((targets != self.pad).any(axis=0))[-1] + 1]

    def texts(self, tokens: np.ndarray) -> list[str]:
        """Texts of tokens, (texts, length): what stands between start and end."""
        found = []
        for row in tokens[:, len(self.starts) :]:
            end = np.flatnonzero(row == self.end)
            kept = row[: end[0]] if len(end) else row
            found.append(kept[~np.isin(kept, self.silent)].tolist())
        return [str(text) for text in self.tokenizer.detokenize(found)]


def subwords_for(encoder: Encoder, texts: Iterable[str], size: int) -> Subwords:
    """What answers are made of: the tokens that the decoder of the encoder has learned with, where it has one.

    Args:
        encoder: Whose texts are answered.
        texts: Answers of the training split, to make a vocabulary of where there is none.
        size: Tokens of it at most.
    """
    if encoder.decoder is not None:
        logger.info("The decoder is that of the network, with its vocabulary; `--decoder` is for a new one")
        return pretrained_subwords(encoder.tokenizer, encoder.longest)
    return learn_subwords(texts, size)


def learn_subwords(texts: Iterable[str], size: int) -> Subwords:
    """Makes a vocabulary from texts (Kudo 2018, arXiv:1804.10959, as SentencePiece does it).

    Args:
        texts: Of the training split.
        size: Tokens at most; few texts have fewer.
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
    """What the decoder of BART or T5 has learned to answer with.

    Args:
        tokenizer: KerasHub's, of the network.
        longest: Tokens of an answer at most.
    """
    import keras_hub

    end, pad = tokenizer.end_token_id, tokenizer.pad_token_id
    # each begins as in its own training, and as KerasHub's preprocessors have it
    starts = (pad,) if isinstance(tokenizer, keras_hub.tokenizers.T5Tokenizer) else (end, tokenizer.start_token_id)
    unknown = unknown_token(tokenizer)
    silent = tuple({*tokenizer.special_token_ids, unknown} - {None})
    return Subwords(tokenizer, longest, starts, end, pad, unknown, silent, learned=False)
