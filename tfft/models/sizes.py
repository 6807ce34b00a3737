"""Options for a decoder and for text generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfft.data.choices import Balance
from tfft.errors import ConfigError, check_range

Depths = int | Literal["all"]
"""Number of blocks of a backbone, counted from the top."""


@dataclass(frozen=True)
class DecoderSize:
    """Size of a decoder that is trained from scratch."""

    layers: int = 3
    """Transformer blocks."""
    width: int = 256
    """Channels; a multiple of `heads`."""
    heads: int = 4
    """Heads of each attention."""
    feedforward: int = 1024
    """Units between the two Dense layers of a block."""
    dropout: float = 0.1
    """Dropout rate after embeddings, attentions and Dense layers."""
    vocabulary: int = 8000
    """Maximum number of subwords, learned from the training targets."""

    def __post_init__(self) -> None:
        check_range("layers", self.layers, least=1, most=100)
        check_range("heads", self.heads, least=1)
        check_range("width", self.width, least=1, most=10_000)
        check_range("feedforward", self.feedforward, least=1)
        check_range("dropout", self.dropout, least=0, below=1)
        check_range("vocabulary", self.vocabulary, least=16, most=1_000_000)
        if self.width % self.heads:
            raise ConfigError(
                f"The width of a decoder must be a multiple of its heads (got width={self.width}, heads={self.heads})",
                fix=f"Set `--decoder.width {self.width // self.heads * self.heads or self.heads}`",
            )


@dataclass(frozen=True)
class Search:
    """How a text is generated, token by token."""

    beams: int = 4
    """Beams of the beam search; 1 takes the most likely token at each step (greedy)."""
    length_penalty: float = 0.6
    """Exponent of the length that scores are divided by, so that long texts are not at a disadvantage; 0 for none."""

    def __post_init__(self) -> None:
        check_range("beams", self.beams, least=1, most=64)
        check_range("length_penalty", self.length_penalty, least=0, most=5)


@dataclass(frozen=True)
class PrecisionFields:
    """The precision of every recipe, to be inherited by its `Config`."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the computations: bfloat16 is faster on GPUs and, for transformers, on CPUs with AMX or AVX512-BF16;
    scores change a little. Weights and the saved model are float32."""


@dataclass(frozen=True)
class HeadFields:
    """Settings of recipes that pool features into one vector, to be inherited by their `Config`."""

    features: Depths = "all"
    """Blocks of the backbone, counted from the top, that the head sees; a solved head uses as many as score best."""
    hidden: tuple[int, ...] = ()
    """Units of extra Dense layers before the last layer."""
    dropout: float = 0.2
    """Dropout rate before the last layer."""


@dataclass(frozen=True)
class SmoothingFields:
    """Settings of recipes with one class for each example, to be inherited by their `Config`."""

    smoothing: float = 0.1
    """Label smoothing: the share of each target that is spread over all classes; 0, or the focal loss, for none."""


@dataclass(frozen=True)
class PoolingFields(HeadFields):
    """Settings of recipes for pictures with a choice of pooling, to be inherited by their `Config`."""

    pooling: Literal["avg", "max", "avg+max"] = "avg"
    """Global average or max pooling of feature maps, or both: max pooling keeps small objects."""


@dataclass(frozen=True)
class BalanceFields:
    """Settings of recipes whose classes may be imbalanced, to be inherited by their `Config`."""

    balance: Balance = "none"
    """Imbalanced classes: weights in the loss, oversample or undersample the examples of an epoch, the focal loss,
    logit-adjustment by the classes' shares, or what is best on stored features (auto)."""
