"""Encoders: any bidirectional KerasHub network, as a flat functional model that takes tokens.

Of BART and T5, which generate texts, this model is the encoder; the decoder is kept separately.
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
"""Size of the small BERT for trying things out."""
DEMO_VOCABULARY = 2000
"""Maximum number of words and word pieces."""
RELATIVE_LONGEST = 1024
"""Maximum number of tokens for a network with relative attention and no position embeddings, such as T5."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """A frozen network for texts and its tokenizer."""

    model: keras.Model
    """From tokens, (batch, length), int32, padded, to features, (batch, length, channels), and a mask, (batch, length),
    float32, 1 for tokens and 0 for padding; `load_encoder` builds it from a KerasHub network. Unfrozen layers are
    trained in place: load the encoder again for another run."""
    tokenizer: Any = field(repr=False)
    """A tokenizer of KerasHub."""
    longest: int
    """Maximum length of a text in tokens, with start and end tokens."""
    decoder: Decoder | None = None
    """The pretrained decoder of a sequence-to-sequence network; trained in place too."""

    def __post_init__(self) -> None:
        if (len(self.model.inputs), len(self.model.outputs)) != (1, 2):
            raise ConfigError(
                "The model of an `Encoder` must have one input, tokens, and two outputs, features and a mask "
                f"(got {self.model.name} with {len(self.model.inputs)} and {len(self.model.outputs)})",
                fix="Save network and tokenizer in a folder with `save_to_preset`, and pass the folder as backbone",
            )

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Start and end tokens of each text."""
        start, end = (getattr(self.tokenizer, f"{name}_token_id", None) for name in ("start", "end"))
        # T5 has no start token, and KerasHub returns the end token instead
        return [] if start in (None, end) else [start], [] if end is None else [end]

    @property
    def pad(self) -> int:
        """The padding token."""
        return self.tokenizer.pad_token_id

    @property
    def unknown(self) -> int | None:
        """The token for text that is not in the vocabulary; None if there is none."""
        return unknown_token(self.tokenizer)

    @property
    def special(self) -> frozenset[int]:
        """Special tokens, such as the end token, which stand for no text."""
        return frozenset(self.tokenizer.special_token_ids)

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Returns the tokens of each text, not truncated, without start and end tokens."""
        return tokenized(self.tokenizer, texts)

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Adds start and end tokens, truncates and pads to one length: (texts, length), int32."""
        return packed(tokens, length, self.edges, self.pad)


def load_encoder(backbone: str | Encoder, *, texts: Iterable[str] = ()) -> Encoder:
    """Builds a frozen encoder.

    Args:
        backbone: Name of a KerasHub preset (`"bert_tiny_en_uncased"`, `"hf://..."`), a folder in KerasHub's or Hugging
            Face's format, or `"demo"`: a small BERT with random weights and a vocabulary learned from `texts`. An
            `Encoder` is returned unchanged.
        texts: Training texts, only for `"demo"`.

    Raises:
        ConfigError: If there is no such preset or folder, or the network has no encoder.
        MachineError: If the extra `text` is not installed, or a preset cannot be downloaded.
    """
    if isinstance(backbone, Encoder):
        return backbone
    if not isinstance(backbone, str):
        raise ConfigError(
            f"A text backbone must be the name of a preset, a folder or an `Encoder` (got {type(backbone).__name__})",
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
    """Returns a frozen KerasHub network with tokens as its only input, from which it computes mask and segments."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    # in float32, so that it can be stored beside the features
    mask = ops.cast(ops.not_equal(tokens, pad), "float32")
    tensors = {"token_ids": tokens, "padding_mask": mask, "segment_ids": ops.zeros_like(tokens)}
    side = "encoder_" if answers(network) else ""
    if side:
        own = {name: tensor for name, tensor in network.input.items() if name.startswith(side)}
        network = keras.Model(own, network.output["encoder_sequence_output"])
    inputs = {name: tensors[name.removeprefix(side)] for name in network.input}
    outputs = network._run_through_graph(inputs, operation_fn=lambda operation: operation)
    features = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
    model = keras.Model(tokens, [features, mask], name="encoder_" + re.sub(r"[^A-Za-z0-9]+", "_", name))
    model.trainable = False
    return model


def _demo(texts: Iterable[str]) -> Encoder:
    import keras_hub

    reserved = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts = list(texts) or ["none"]  # if there are no texts, reading them raises the error
    pieces = word_pieces(texts, DEMO_VOCABULARY, reserved=reserved, lowercase=True)
    tokenizer = keras_hub.tokenizers.BertTokenizer(pieces, lowercase=True)
    network = keras_hub.models.BertBackbone(vocabulary_size=len(pieces), **DEMO_SIZE)
    return Encoder(flat(network, tokenizer.pad_token_id, "demo_bert"), tokenizer, DEMO_SIZE["max_sequence_length"])
