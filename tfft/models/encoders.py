"""Encoders: any KerasHub network that reads a whole text, as a flat functional model that takes tokens.

Of BART and T5, which answer with a text, the encoder is that model, and the decoder stays beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from tfft import extras
from tfft.errors import ConfigError, MachineError, listed, nearest
from tfft.models.decoder import Decoder, of_layers
from tfft.models.tokenizing import packed, tokenized, word_pieces

DEMO_SIZE = {"num_layers": 2, "num_heads": 2, "hidden_dim": 64, "intermediate_dim": 128, "max_sequence_length": 128}
"""Of the small BERT that is tried things with."""
DEMO_VOCABULARY = 2000
"""Words and pieces of words, at most."""
REMOTE = ("kaggle://", "hf://", "modelscope://", "gs://")
NEEDED, TAKEN = {"token_ids", "padding_mask"}, {"token_ids", "padding_mask", "segment_ids"}
"""Inputs that an encoder has, and may have; without a mask an answer would depend on how much is padded."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """A frozen network for texts, with the tokenizer that belongs to it."""

    model: keras.Model
    """From tokens, (batch, length), int32, padded, to features, (batch, length, channels), and a mask, (batch, length),
    float32, 1 where a token is."""
    tokenizer: Any = field(repr=False)
    """KerasHub's."""
    longest: int
    """Tokens that it reads at most, with those of start and end."""
    decoder: Decoder | None = None
    """That which was trained with it, in a network from texts to texts."""

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
        word = getattr(self.tokenizer, "oov_token", None) or getattr(self.tokenizer, "unk_token", None)
        return None if word is None else self.tokenizer.token_to_id(word)

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
    extras.require("text")
    if backbone == "demo":
        return _demo(texts)
    network, tokenizer = _load(backbone)
    _check(backbone, network)
    _check_vocabulary(backbone, network, tokenizer)
    longest = getattr(network, "max_sequence_length", None) or 512
    model = flat(network, tokenizer.pad_token_id, Path(backbone).name)
    return Encoder(model, tokenizer, longest, of_layers(network.layers) if _answers(network) else None)


def describe_encoder(backbone: str | Encoder) -> str:
    """What it is, in words."""
    if isinstance(backbone, Encoder):
        return f"{backbone.model.name}, an encoder of your own"
    return "demo (a small BERT with random weights; to try things with)" if backbone == "demo" else backbone


def flat(network: keras.Model, pad: int, name: str) -> keras.Model:
    """A network of KerasHub on tokens alone: mask and segments are made of them inside, every layer is frozen."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    # in float32, so that it can be stored beside the features
    mask = ops.cast(ops.not_equal(tokens, pad), "float32")
    made = {"token_ids": tokens, "padding_mask": mask, "segment_ids": ops.zeros_like(tokens)}
    side = "encoder_" if _answers(network) else ""
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


def _load(backbone: str) -> tuple[keras.Model, Any]:
    import keras_hub

    folder = Path(backbone).expanduser()
    known = {name for kind in (*_encoders(), *_answering()) for name in kind.presets}
    if folder.is_dir():
        backbone = str(folder)
    elif backbone not in known and not backbone.startswith(REMOTE):
        raise ConfigError(
            "`--backbone` is a KerasHub preset, a folder in KerasHub's or Hugging Face's form, or demo",
            received=repr(backbone),
            fix=f"Nearest presets: {nearest(backbone, known)}",
        )
    try:
        network = keras_hub.models.Backbone.from_preset(backbone)
        tokenizer = keras_hub.models.Tokenizer.from_preset(backbone)
    except Exception as error:  # whatever the hosts, the file formats and KerasHub's readers raise
        first = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
        if folder.is_dir():
            raise ConfigError(
                "The folder of `--backbone` holds a network and its tokenizer",
                received=f"{first.rstrip('.:')} in {folder}",
                fix="Save both there with `save_to_preset`, or choose another folder",
            ) from error
        raise MachineError(
            f"The preset {backbone} can be downloaded",
            received=first,
            fix="Get it on another machine (`save_to_preset`) and pass the folder, or try `--backbone demo`",
        ) from error
    if _takes_accents_off(backbone, tokenizer):
        tokenizer.strip_accents = True
    return network, tokenizer


def _takes_accents_off(backbone: str, tokenizer: Any) -> bool:
    """What KerasHub does not read in Hugging Face's form: an uncased BERT takes accents off too, unless it says no."""
    import keras_hub

    if not isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer) or not tokenizer.lowercase:
        return False
    try:
        config = json.loads((Path(backbone) / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return backbone.startswith("hf://")
    return not isinstance(config, dict) or config.get("strip_accents") is not False


def _check(name: str, network: keras.Model) -> None:
    """Whether it reads a text as a whole, and nothing but a text."""
    given = set(network.input) if isinstance(network.input, dict) else set()
    if _answers(network):
        return
    if not NEEDED <= given <= TAKEN or not isinstance(network, _encoders()):
        what = "which reads left to right" if NEEDED <= given <= TAKEN else f"with inputs {listed(sorted(given))}"
        raise ConfigError(
            "`--backbone` has an encoder, such as BERT, DistilBERT, RoBERTa, DeBERTa, ALBERT, ELECTRA, BART or T5",
            received=f"{type(network).__name__} of {name}, {what}",
            fix="Choose another preset",
        )


def _answers(network: keras.Model) -> bool:
    """Whether it is a network from texts to texts."""
    return isinstance(network, _answering())


def _answering() -> tuple[type, ...]:
    """KerasHub's networks from texts to texts that can be taken apart here, see `of_layers`."""
    import keras_hub

    return keras_hub.models.BartBackbone, keras_hub.models.T5Backbone


def _encoders() -> tuple[type, ...]:
    """KerasHub's networks for texts that do not read left to right."""
    import keras_hub

    read = {kind.backbone_cls for kind in _below(keras_hub.models.Tokenizer) if kind.backbone_cls}
    return tuple(read - {task.backbone_cls for task in _below(keras_hub.models.CausalLM)})


def _check_vocabulary(name: str, network: keras.Model, tokenizer: Any) -> None:
    """A token beyond the embeddings has no row in them: an error in the middle of a run, or zeros."""
    rows, words = getattr(network, "vocabulary_size", None), tokenizer.vocabulary_size()
    # a mask that stands last is made of no text; one BART has no row for it
    words -= tokenizer.id_to_token(words - 1) in ("<mask>", "[MASK]")
    if rows is not None and words > rows:
        raise ConfigError(
            "The network of `--backbone` has an embedding for each token of its tokenizer",
            received=f"{rows} embeddings and {words} tokens in {name}",
            fix="Choose a folder whose network and tokenizer were saved together",
        )


def _below(kind: type) -> list[type]:
    return [found for one in kind.__subclasses__() for found in (one, *_below(one))]
