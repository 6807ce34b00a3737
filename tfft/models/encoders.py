"""Encoders: any KerasHub network for texts, as a flat functional model that takes tokens.

Of BART and T5, which generate texts from texts, this model is the encoder; the decoder is kept separately. GPT-2, Llama
and other networks that read left to right keep their causal mask: a token sees itself and those before it.
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
from tfft.models.configurations import complete_configurations
from tfft.models.decoder import Decoder, of_layers
from tfft.models.kinds import answers, causal_kinds
from tfft.models.presets import load_preset, no_encoder
from tfft.models.tokenizing import packed, tokenized, unknown_token, word_pieces

DEMO_SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 64, "intermediate_dim": 128, "max_sequence_length": 128}
"""Size of the small BERT for trying things out."""
DEMO_VOCABULARY = 2000
"""Maximum number of words and word pieces."""
RELATIVE_LONGEST = 1024
"""Maximum number of tokens for a network whose attention is relative, without position embeddings: T5 or Llama."""


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
    causal: bool = False
    """Whether a token sees only itself and those before it, as in GPT-2."""

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
        # GPT-2 starts a text with the end of the one before; T5 has no start token, and KerasHub returns the end token
        starts = start is not None and (self.causal or start != end)
        return [start] if starts else [], [] if end is None else [end]

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


def load_encoder(backbone: str | Encoder, *, texts: Iterable[str] = (), causal: bool = True) -> Encoder:
    """Builds a frozen encoder.

    Args:
        backbone: Name of a KerasHub preset (`"bert_tiny_en_uncased"`, `"hf://..."`), a folder in KerasHub's or Hugging
            Face's format, or `"demo"`: a small BERT with random weights and a vocabulary learned from `texts`. An
            `Encoder` is returned unchanged.
        texts: Training texts, only for `"demo"`.
        causal: Whether networks that read left to right, such as GPT-2, are accepted.

    Raises:
        ConfigError: If there is no such preset or folder, or the network does not output features of texts, or it reads
            left to right although `causal` is False.
        MachineError: If the extra `text` is not installed, or a preset cannot be downloaded.
    """
    if isinstance(backbone, Encoder):
        if backbone.causal and not causal:
            raise no_encoder(backbone.model.name, "it reads left to right", causal)
        return backbone
    if not isinstance(backbone, str):
        raise ConfigError(
            f"A text backbone must be the name of a preset, a folder or an `Encoder` (got {type(backbone).__name__})",
            fix="Save network and tokenizer in a folder with `save_to_preset`, and pass the folder",
        )
    extras.require("text")
    if backbone == "demo":
        return _demo(texts)
    network, tokenizer = load_preset(backbone, causal=causal)
    decoder = of_layers(network.layers) if answers(network) else None
    left_to_right = isinstance(network, causal_kinds())
    if left_to_right:
        _drop_output_embedding(network)
    longest = getattr(network, "max_sequence_length", None) or (RELATIVE_LONGEST if left_to_right else 512)
    longest = RELATIVE_LONGEST if decoder and decoder.relative else longest
    model = flat(network, tokenizer.pad_token_id, Path(backbone).name)
    return Encoder(model, tokenizer, longest, decoder, left_to_right)


def flat(network: keras.Model, pad: int, name: str) -> keras.Model:
    """Returns a frozen KerasHub network with tokens as its only input, from which it computes mask and segments."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    others = ops.not_equal(tokens, pad)
    if isinstance(network, causal_kinds()):
        # padding is what follows the last other token: before it, the padding token may stand for text, as "!" in GPT-2
        others = ops.greater(ops.flip(ops.cumsum(ops.flip(ops.cast(others, "int32"), axis=1), axis=1), axis=1), 0)
    mask = ops.cast(others, "float32")  # so that it can be stored beside the features
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
    complete_configurations(model)
    return model


def _drop_output_embedding(network: keras.Model) -> None:
    """Removes the weights that turn features into logits of the next token: nothing here uses them."""
    embeddings = [layer for layer in network.layers if isinstance(layer, keras.layers.ReversibleEmbedding)]
    for layer in embeddings:
        if not layer.tie_weights and not layer.quantization_mode:
            layer.tie_weights = True
            del layer.reverse_embeddings


def _demo(texts: Iterable[str]) -> Encoder:
    import keras_hub

    reserved = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts = list(texts) or ["none"]  # if there are no texts, reading them raises the error
    pieces = word_pieces(texts, DEMO_VOCABULARY, reserved=reserved, lowercase=True)
    tokenizer = keras_hub.tokenizers.BertTokenizer(pieces, lowercase=True)
    network = keras_hub.models.BertBackbone(vocabulary_size=len(pieces), **DEMO_SIZE)
    return Encoder(flat(network, tokenizer.pad_token_id, "demo_bert"), tokenizer, DEMO_SIZE["max_sequence_length"])
