"""What a person may choose of a decoder and of the search for its answers."""

from __future__ import annotations

from dataclasses import dataclass

from tfft.errors import ConfigError, check_range


@dataclass(frozen=True)
class DecoderSize:
    """Of a decoder that is trained from nothing."""

    layers: int = 3
    """Transformer blocks."""
    width: int = 256
    """Channels; a multiple of `heads`."""
    heads: int = 4
    """Of each attention."""
    feedforward: int = 1024
    """Units between the two Dense layers of a block."""
    dropout: float = 0.1
    """Fraction dropped behind embeddings, attentions and Dense layers."""
    vocabulary: int = 8000
    """Pieces of words that answers are made of, at most; chosen from the training targets."""

    def __post_init__(self) -> None:
        check_range("layers", self.layers, least=1, most=100)
        check_range("heads", self.heads, least=1)
        check_range("width", self.width, least=1, most=10_000)
        check_range("feedforward", self.feedforward, least=1)
        check_range("dropout", self.dropout, least=0, below=1)
        check_range("vocabulary", self.vocabulary, least=16, most=1_000_000)
        if self.width % self.heads:
            raise ConfigError(
                "The width of a decoder is a multiple of its heads",
                received=f"width={self.width}, heads={self.heads}",
                fix=f"Set `--decoder.width {self.width // self.heads * self.heads or self.heads}`",
            )


@dataclass(frozen=True)
class Search:
    """How an answer is looked for, token by token."""

    beams: int = 4
    """Beginnings that are kept at each step; 1 takes the most likely token each time (greedy)."""
    length_penalty: float = 0.6
    """Exponent of the length that scores are divided by, so that long answers are not at a disadvantage; 0 for none."""

    def __post_init__(self) -> None:
        check_range("beams", self.beams, least=1, most=64)
        check_range("length_penalty", self.length_penalty, least=0, most=5)
