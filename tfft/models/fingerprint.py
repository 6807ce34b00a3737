"""Fingerprints of a network: its architecture, the code of its custom layers and its weights."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import keras

from tfft.models import lora
from tfft.store.code import code_digest, is_own

REFERENCES = {"keras_history", "input_layers", "output_layers"}
"""Entries of a configuration that refer to layers by name."""


def fingerprint(model: keras.Model) -> str:
    """Returns 32 hexadecimal digits for a functional model's architecture and weights, in inference mode.

    Names of layers and `trainable` flags do not count: the same network built twice in one process has other names.
    The code of custom layers and of functions in layers counts, with all that it refers to; if it cannot be digested,
    no two fingerprints are equal.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        config = model.get_config()
    except NotImplementedError:  # a custom layer without a configuration
        return uuid.uuid4().hex
    digest.update(json.dumps(_plain(config, {}), sort_keys=True, default=code_digest).encode())
    for layer in model._flatten_layers():
        functions = [value for value in vars(layer).values() if callable(value) and is_own(value)]
        if functions or is_own(type(layer)):
            digest.update(code_digest(type(layer), *functions).encode())
    digest.update(weights_fingerprint(model).encode())
    return digest.hexdigest()


def weights_fingerprint(model: keras.Model) -> str:
    """Returns 32 hexadecimal digits for the values of a model's weights; adapters that change nothing do not count."""
    digest = hashlib.blake2b(digest_size=16)
    idle = lora.idle_adapters(model)
    for weight in model.weights:
        if id(weight) in idle:
            continue
        value = keras.ops.convert_to_numpy(weight)
        digest.update(f"{value.shape} {value.dtype}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _plain(config: Any, names: dict[str, int]) -> Any:
    """A configuration without names, in which references to layers are numbers instead of names."""
    if isinstance(config, (list, tuple)):
        return [_plain(value, names) for value in config]
    if not isinstance(config, dict) or str(config.get("class_name")).endswith("DTypePolicy"):
        return config  # the name of a dtype policy matters
    if isinstance(layers := config.get("layers"), list):
        names = {layer.get("name"): number for number, layer in enumerate(layers)}
    return {
        key: _numbered(value, names) if key in REFERENCES else _plain(value, names)
        for key, value in config.items()
        if key not in ("name", "trainable", "lora_rank", "lora_alpha")
    }


def _numbered(reference: Any, names: dict[str, int]) -> Any:
    if isinstance(reference, (list, tuple)):
        return [_numbered(value, names) for value in reference]
    return names.get(reference, reference) if isinstance(reference, str) else reference


def layers_digest(model: keras.Model) -> str:
    """A digest of the architecture and the settings of all layers, without their code and weights.

    It is the same in every process with one version of Keras; empty for a custom layer without a configuration.
    """
    try:
        config = model.get_config()
    except NotImplementedError:
        return ""
    described = json.dumps(_plain(config, {}), sort_keys=True, default=lambda value: type(value).__name__)
    return hashlib.blake2b(described.encode(), digest_size=16).hexdigest()
