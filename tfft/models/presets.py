"""Loads and checks KerasHub presets with their tokenizers, by name or from a folder."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras

from tfft.errors import ConfigError, MachineError, listed, nearest

REMOTE = ("kaggle://", "hf://", "modelscope://", "gs://")
NEEDED, TAKEN = {"token_ids", "padding_mask"}, {"token_ids", "padding_mask", "segment_ids"}
"""Inputs that an encoder must have, and may have; without a mask predictions would depend on the padding."""


def load_preset(backbone: str) -> tuple[keras.Model, Any]:
    """Returns a bidirectional KerasHub network and its tokenizer; raises the errors of `load_encoder`."""
    network, tokenizer = _load(backbone)
    _check(backbone, network)
    _check_vocabulary(backbone, network, tokenizer)
    return network, tokenizer


def answers(network: keras.Model) -> bool:
    """Whether a network generates texts from texts."""
    return isinstance(network, _seq2seq())


def _load(backbone: str) -> tuple[keras.Model, Any]:
    import keras_hub

    folder = Path(backbone).expanduser()
    known = {name for kind in (*_bidirectional(), *_seq2seq()) for name in kind.presets}
    if folder.is_dir():
        backbone = str(folder)
    elif backbone not in known and not backbone.startswith(REMOTE):
        raise ConfigError(
            f"`--backbone` {backbone!r} not found: it is no KerasHub preset and no folder",
            fix=f"Nearest presets: {nearest(backbone, known)}",
        )
    try:
        with warnings.catch_warnings():
            # Keras warns that the layers of T5 build their sublayers in `call`
            warnings.filterwarnings("ignore", "Layer 'transformer_|`build..` was called on layer 'transformer_")
            network = keras_hub.models.Backbone.from_preset(backbone)
        tokenizer = keras_hub.models.Tokenizer.from_preset(backbone)
    except Exception as error:  # anything that hosts, file formats and KerasHub's converters raise
        first = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
        if "no converter" in str(error):
            raise ConfigError(
                f"KerasHub cannot convert `--backbone` {backbone} ({first.rstrip('.:')})",
                fix="Choose a preset of KerasHub, such as t5_small_multi for T5",
            ) from error
        if folder.is_dir():
            raise ConfigError(
                f"No network with a tokenizer in `--backbone` {folder} ({first.rstrip('.:')})",
                fix="Save both there with `save_to_preset`, or choose another folder",
            ) from error
        raise MachineError(
            f"The preset {backbone} cannot be downloaded ({first.rstrip('.:')})",
            fix="Save it on another machine with `save_to_preset` and pass the folder, or try `--backbone demo`",
        ) from error
    if _takes_accents_off(backbone, tokenizer):
        tokenizer.strip_accents = True
    return network, tokenizer


def _takes_accents_off(backbone: str, tokenizer: Any) -> bool:
    """Whether accents are stripped: by default in an uncased BERT, which KerasHub ignores in Hugging Face's format."""
    import keras_hub

    if not isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer) or not tokenizer.lowercase:
        return False
    try:
        config = json.loads((Path(backbone) / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return backbone.startswith("hf://")
    return not isinstance(config, dict) or config.get("strip_accents") is not False


def _check(name: str, network: keras.Model) -> None:
    """Raises `ConfigError` unless a network is bidirectional and takes only texts."""
    if answers(network):
        return
    inputs = set(network.input) if isinstance(network.input, dict) else set()
    if not NEEDED <= inputs <= TAKEN or not isinstance(network, _bidirectional()):
        reason = "reads left to right" if NEEDED <= inputs <= TAKEN else f"takes {listed(sorted(inputs))}"
        raise ConfigError(
            f"`--backbone` {name} has no encoder for texts: {type(network).__name__} {reason}",
            fix="Choose another preset, such as BERT, DistilBERT, RoBERTa, DeBERTa, ALBERT, ELECTRA, BART or T5",
        )


def _seq2seq() -> tuple[type, ...]:
    """KerasHub's sequence-to-sequence networks whose decoder `of_layers` finds."""
    import keras_hub

    return keras_hub.models.BartBackbone, keras_hub.models.T5Backbone


def _bidirectional() -> tuple[type, ...]:
    """KerasHub's networks that take only texts and do not read them left to right."""
    from keras_hub import layers, models

    texts, pictures, sounds, causal = (
        {subclass.backbone_cls for subclass in _subclasses(kind) if subclass.backbone_cls}
        for kind in (models.Tokenizer, layers.ImageConverter, layers.AudioConverter, models.CausalLM)
    )
    return tuple(texts - pictures - sounds - causal)


def _check_vocabulary(name: str, network: keras.Model, tokenizer: Any) -> None:
    """Raises `ConfigError` if tokens have no embedding, which would be an error in the middle of a run, or zeros."""
    embeddings, tokens = getattr(network, "vocabulary_size", None), tokenizer.vocabulary_size()
    # no text has the mask token; if it is the last one, it needs no embedding, as in one BART
    tokens -= tokenizer.id_to_token(tokens - 1) in ("<mask>", "[MASK]")
    if embeddings is not None and tokens > embeddings:
        raise ConfigError(
            f"`--backbone` {name} has {embeddings} embeddings for {tokens} tokens of its tokenizer",
            fix="Choose a folder whose network and tokenizer were saved together",
        )


def _subclasses(kind: type) -> list[type]:
    return [subclass for child in kind.__subclasses__() for subclass in (child, *_subclasses(child))]
