"""A vocabulary of pieces of words, made from texts, that can be put together to texts again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.models.tokenizing import packed, tokenized

PAD, UNKNOWN, START, END = range(4)


@dataclass(frozen=True, eq=False)
class Subwords:
    """A tokenizer for answers."""

    tokenizer: Any = field(repr=False)
    """KerasHub's, for SentencePiece."""
    longest: int = 1024
    """Tokens of an answer at most, with those of start and end."""
    pad: int = PAD

    @property
    def size(self) -> int:
        """Tokens there are."""
        return self.tokenizer.vocabulary_size()

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, uncut, without those of start and end."""
        return tokenized(self.tokenizer, texts)

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Tokens between start and end, cut and filled up to one length, (texts, length), int32."""
        return packed(tokens, length, ([START], [END]), PAD)

    def texts(self, tokens: np.ndarray) -> list[str]:
        """Texts of tokens, (texts, length): what stands between start and end."""
        found = []
        for row in tokens:
            end = np.flatnonzero(row == END)
            kept = row[: end[0]] if len(end) else row
            found.append(np.extract(kept > START, kept).astype(np.int32))
        return [str(text) for text in self.tokenizer.detokenize([row.tolist() for row in found])]


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
