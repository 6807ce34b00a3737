"""Encoders: any KerasHub network that reads a whole text, as a flat functional model that takes tokens.

Of BART and T5, which answer with a text, the encoder is that model, and the decoder stays beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from tfft import extras
from tfft.errors import ConfigError
from tfft.models.decoder import Decoder, of_layers
from tfft.models.presets import answers, load_preset
from tfft.models.tokenizing import packed, tokenized, unknown_token, word_pieces

DEMO_SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 64, "intermediate_dim": 128, "max_sequence_length": 128}
"""Of the small BERT that is tried things with."""
DEMO_VOCABULARY = 2000
"""Words and pieces of words, at most."""
RELATIVE_LONGEST = 1024
"""Tokens that a network reads at most which knows no places, only how far two tokens are apart, as T5."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """A frozen network for texts, with the tokenizer that belongs to it."""

    model: keras.Model
    """From tokens, (batch, length), int32, padded, to features, (batch, length, channels), and a mask, (batch, length),
    float32, 1 where a token is; `load_encoder` makes it of a network of KerasHub. What is unfrozen is trained in place:
    load again for another run."""
    tokenizer: Any = field(repr=False)
    """KerasHub's."""
    longest: int
    """Tokens that it reads at most, with those of start and end."""
    decoder: Decoder | None = None
    """That which was trained with it, in a network from texts to texts; trained in place too."""

    def __post_init__(self) -> None:
        if (len(self.model.inputs), len(self.model.outputs)) != (1, 2):
            raise ConfigError(
                "The model of an `Encoder` takes tokens and gives features and a mask",
                received=f"{self.model.name} with {len(self.model.inputs)} inputs, {len(self.model.outputs)} outputs",
                fix="Save network and tokenizer in a folder with `save_to_preset`, and pass the folder as backbone",
            )

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Tokens before and behind each text."""
        start, end = (getattr(self.tokenizer, f"{name}_token_id", None) for name in ("start", "end"))
        # T5 has none, and KerasHub names its end instead
        return [] if start in (None, end) else [start], [] if end is None else [end]

    @property
    def pad(self) -> int:
        """The token that fills up."""
        return self.tokenizer.pad_token_id

    @property
    def unknown(self) -> int | None:
        """The token of what the vocabulary does not have; None where it has all."""
        return unknown_token(self.tokenizer)

    @property
    def special(self) -> frozenset[int]:
        """Special tokens of the network, such as its end of a text: they stand for no text."""
        return frozenset(self.tokenizer.special_token_ids)

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, uncut, without those of start and end."""
        return tokenized(self.tokenizer, texts)

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Tokens of texts between start and end, cut and filled up to one length, (texts, length), int32."""
        return packed(tokens, length, self.edges, self.pad)


def load_encoder(backbone: str | Encoder, *, texts: Iterable[str] = ()) -> Encoder:
    """Builds a frozen encoder.

    Args:
        backbone: Name of a KerasHub preset (`"bert_tiny_en_uncased"`, `"hf://..."`), a folder in KerasHub's or Hugging
            Face's form, or `"demo"`: a small BERT with random weights and a vocabulary made from `texts`. An `Encoder`
            is given back as it is.
        texts: Training texts, for `"demo"` alone.

    Raises:
        ConfigError: For a name or a folder that is none, or a network that has no encoder of its own.
        MachineError: If the extra `text` is not installed, or a preset cannot be downloaded.
    """
    if isinstance(backbone, Encoder):
        return backbone
    if not isinstance(backbone, str):
        raise ConfigError(
            "A backbone for texts is the name of a preset, a folder, or an `Encoder`",
            received=f"a {type(backbone).__name__}",
            fix="Save network and tokenizer in a folder with `save_to_preset`, and pass the folder",
        )
    extras.require("text")
    if backbone == "demo":
        return _demo(texts)
    network, tokenizer = load_preset(backbone)
    decoder = of_layers(network.layers) if answers(network) else None
    longest = RELATIVE_LONGEST if decoder and decoder.relative else getattr(network, "max_sequence_length", None) or 512
    return Encoder(flat(network, tokenizer.pad_token_id, Path(backbone).name), tokenizer, longest, decoder)


def flat(network: keras.Model, pad: int, name: str) -> keras.Model:
    """A network of KerasHub on tokens alone: mask and segments are made of them inside, every layer is frozen."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    # in float32, so that it can be stored beside the features
    mask = ops.cast(ops.not_equal(tokens, pad), "float32")
    made = {"token_ids": tokens, "padding_mask": mask, "segment_ids": ops.zeros_like(tokens)}
    side = "encoder_" if answers(network) else ""
    if side:
        given = {name: tensor for name, tensor in network.input.items() if name.startswith(side)}
        network = keras.Model(given, network.output["encoder_sequence_output"])
    inputs = {name: made[name.removeprefix(side)] for name in network.input}
    outputs = network._run_through_graph(inputs, operation_fn=lambda operation: operation)
    features = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
    model = keras.Model(tokens, [features, mask], name="encoder_" + re.sub(r"[^A-Za-z0-9]+", "_", name))
    model.trainable = False
    return model


def _demo(texts: Iterable[str]) -> Encoder:
    import keras_hub

    reserved = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts = list(texts) or ["none"]  # what is wrong with all of them is told where they are read
    pieces = word_pieces(texts, DEMO_VOCABULARY, reserved=reserved, lowercase=True)
    tokenizer = keras_hub.tokenizers.BertTokenizer(pieces, lowercase=True)
    network = keras_hub.models.BertBackbone(vocabulary_size=len(pieces), **DEMO_SIZE)
    return Encoder(flat(network, tokenizer.pad_token_id, "demo_bert"), tokenizer, DEMO_SIZE["max_sequence_length"])
