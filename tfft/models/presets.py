"""KerasHub's presets: found by name or in a folder, loaded with their tokenizers, checked."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras

from tfft.errors import ConfigError, MachineError, listed, nearest

REMOTE = ("kaggle://", "hf://", "modelscope://", "gs://")
NEEDED, TAKEN = {"token_ids", "padding_mask"}, {"token_ids", "padding_mask", "segment_ids"}
"""Inputs that an encoder has, and may have; without a mask an answer would depend on how much is padded."""


def load_preset(backbone: str) -> tuple[keras.Model, Any]:
    """A network of KerasHub that reads a text as a whole, and its tokenizer; errors are those of `load_encoder`."""
    network, tokenizer = _load(backbone)
    _check(backbone, network)
    _check_vocabulary(backbone, network, tokenizer)
    return network, tokenizer


def answers(network: keras.Model) -> bool:
    """Whether it is a network from texts to texts."""
    return isinstance(network, _answering())


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
        with warnings.catch_warnings():
            # the layers of T5 build what they hold when they are called, of which Keras warns
            warnings.filterwarnings("ignore", "Layer 'transformer_|`build..` was called on layer 'transformer_")
            network = keras_hub.models.Backbone.from_preset(backbone)
        tokenizer = keras_hub.models.Tokenizer.from_preset(backbone)
    except Exception as error:  # whatever the hosts, the file formats and KerasHub's readers raise
        first = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
        if "no converter" in str(error):
            raise ConfigError(
                "`--backbone` is of a kind that KerasHub reads",
                received=first.rstrip(".:"),
                fix="Choose a preset of KerasHub's own, such as t5_small_multi for T5",
            ) from error
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
    if answers(network):
        return
    given = set(network.input) if isinstance(network.input, dict) else set()
    if not NEEDED <= given <= TAKEN or not isinstance(network, _encoders()):
        what = "which reads left to right" if NEEDED <= given <= TAKEN else f"with inputs {listed(sorted(given))}"
        raise ConfigError(
            "`--backbone` has an encoder, such as BERT, DistilBERT, RoBERTa, DeBERTa, ALBERT, ELECTRA, BART or T5",
            received=f"{type(network).__name__} of {name}, {what}",
            fix="Choose another preset",
        )


def _answering() -> tuple[type, ...]:
    """KerasHub's networks from texts to texts that can be taken apart here, see `of_layers`."""
    import keras_hub

    return keras_hub.models.BartBackbone, keras_hub.models.T5Backbone


def _encoders() -> tuple[type, ...]:
    """KerasHub's networks for texts alone that do not read left to right."""
    from keras_hub import layers, models

    read, pictures, sounds, onwards = (
        {found.backbone_cls for found in _below(kind) if found.backbone_cls}
        for kind in (models.Tokenizer, layers.ImageConverter, layers.AudioConverter, models.CausalLM)
    )
    return tuple(read - pictures - sounds - onwards)


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
