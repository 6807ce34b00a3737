"""Loads and checks KerasHub presets with their tokenizers, by name or from a folder."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras

from tfft.errors import ConfigError, MachineError, listed, nearest
from tfft.models import kinds

REMOTE = ("kaggle://", "hf://", "modelscope://", "gs://")
NEEDED, TAKEN = {"token_ids", "padding_mask"}, {"token_ids", "padding_mask", "segment_ids"}
"""Inputs that an encoder must have, and may have; without a mask predictions would depend on the padding."""


def load_preset(backbone: str, *, causal: bool) -> tuple[keras.Model, Any]:
    """Returns a KerasHub network for texts and its tokenizer; raises the errors of `load_encoder`.

    Args:
        backbone: Name of a preset, or a folder.
        causal: Whether networks that read left to right are accepted, too.
    """
    if not causal and not Path(backbone).expanduser().is_dir() and backbone in kinds.presets(causal=True):
        raise no_encoder(backbone, "it reads left to right", causal)  # before it is downloaded
    network, tokenizer = _load(backbone)
    _check(backbone, network, causal)
    _check_vocabulary(backbone, network, tokenizer)
    return network, tokenizer


def _load(backbone: str) -> tuple[keras.Model, Any]:
    import keras_hub

    folder = Path(backbone).expanduser()
    known = kinds.presets(causal=False) | kinds.presets(causal=True)
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


def _check(name: str, network: keras.Model, causal: bool) -> None:
    """Raises `ConfigError` unless a network takes only texts, outputs features, and reads in an accepted direction."""
    if kinds.answers(network):
        return
    inputs = set(network.input) if isinstance(network.input, dict) else set()
    kind = type(network).__name__
    if not NEEDED <= inputs <= TAKEN:
        raise no_encoder(name, f"{kind} takes {listed(sorted(inputs))}", causal)
    if isinstance(network, kinds.bidirectional_kinds()):
        return
    if not causal or not isinstance(network, kinds.causal_kinds()):
        raise no_encoder(name, f"{kind} reads left to right", causal)
    if not isinstance(network.output, dict) and network.output.shape[-1] == network.vocabulary_size:
        raise no_encoder(name, f"{kind} outputs logits of the next token, not features", causal)


def no_encoder(name: str, reason: str, causal: bool) -> ConfigError:
    """Returns the error for a network that does not fit; `causal` as for `load_preset`."""
    others = "GPT-2, Gemma or Llama" if causal else "BART or T5"
    return ConfigError(
        f"`--backbone` {name} has no encoder for texts: {reason}",
        fix=f"Choose another preset, such as BERT, DistilBERT, RoBERTa, DeBERTa, ALBERT, ELECTRA, {others}",
    )


def _check_vocabulary(name: str, network: keras.Model, tokenizer: Any) -> None:
    """Raises `ConfigError` if tokens have no embedding, which would be an error in the middle of a run, or zeros."""
    embeddings, tokens = getattr(network, "vocabulary_size", None), tokenizer.vocabulary_size()
    if embeddings is None or tokens <= embeddings:
        return
    # no text has the mask token; if it is the last one, it needs no embedding, as in one BART
    if tokens - embeddings > 1 or tokenizer.id_to_token(tokens - 1) not in ("<mask>", "[MASK]"):
        raise ConfigError(
            f"`--backbone` {name} has {embeddings} embeddings for {tokens} tokens of its tokenizer",
            fix="Choose a folder whose network and tokenizer were saved together",
        )
