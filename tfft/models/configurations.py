"""Configurations of KerasHub's layers: a saved model is built again from them.

KerasHub saves a network by its sizes, never block by block, so nobody notices that some blocks forget arguments of
theirs. Of KerasHub 0.32 these are the blocks of Llama, Qwen 2 and 3, Mixtral, Qwen MoE and GPT-NeoX.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import keras


def complete_configurations(model: keras.Model) -> None:
    """Lets each KerasHub layer of a model return a configuration that it can be built from again.

    A layer whose class forgets an argument, returns an unknown one or raises an error returns the attributes that have
    the names of its arguments instead.
    """
    forgetful: dict[type, bool] = {}
    for layer in model.layers:
        kind = type(layer)
        if kind not in forgetful:
            forgetful[kind] = kind.__module__.startswith("keras_hub.") and not _is_complete(layer)
        if forgetful[kind]:
            layer.get_config = partial(_config, layer)


def _is_complete(layer: keras.Layer) -> bool:
    try:
        config = layer.get_config()
        type(layer).from_config(dict(config))
    except (AttributeError, TypeError, ValueError):
        return False
    return _arguments(layer) <= config.keys()


def _config(layer: keras.Layer) -> dict[str, Any]:
    base = keras.Layer.get_config(layer)
    try:
        config = type(layer).get_config(layer)
    except AttributeError:
        config = base
    names = _arguments(layer)
    held = {name: _serialized(value) for name, value in vars(layer).items() if name in names - config.keys()}
    return {name: value for name, value in {**config, **held}.items() if name in names | base.keys()}


def _arguments(layer: keras.Layer) -> set[str]:
    """The names of the arguments of a layer, without those of every layer."""
    parameters = inspect.signature(type(layer).__init__).parameters.values()
    return {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)} - {"self"}


def _serialized(value: Any) -> Any:
    if isinstance(value, keras.initializers.Initializer):
        return keras.initializers.serialize(value)
    return keras.activations.serialize(value) if callable(value) else value
