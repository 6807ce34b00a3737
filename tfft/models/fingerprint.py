"""What decides the outputs of a network: its architecture and the values of its weights."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import keras


def fingerprint(model: keras.Model) -> str:
    """32 hexadecimal digits of a functional model's architecture and weights, in inference mode.

    Names and `trainable` flags do not count: the same network built twice in a process has other names.
    """
    config = model.get_config()
    names: dict[str, str] = {}
    _collect_names(config, names)
    digest = hashlib.blake2b(json.dumps(_plain(config, names), sort_keys=True, default=str).encode(), digest_size=16)
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight)
        digest.update(f"{value.shape} {value.dtype}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _collect_names(config: Any, names: dict[str, str]) -> None:
    """Numbers all names of layers in the order in which they stand."""
    if isinstance(config, dict):
        if isinstance(name := config.get("name"), str):
            names.setdefault(name, f"layer {len(names)}")
        for value in config.values():
            _collect_names(value, names)
    elif isinstance(config, (list, tuple)):
        for value in config:
            _collect_names(value, names)


def _plain(config: Any, names: dict[str, str]) -> Any:
    """The configuration with numbers in place of names."""
    if isinstance(config, dict):
        return {key: _plain(value, names) for key, value in config.items() if key != "trainable"}
    if isinstance(config, (list, tuple)):
        return [_plain(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config
