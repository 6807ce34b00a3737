"""Checks that a model can be saved, and that what was saved answers as the model does."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from tfft.errors import ConfigError, listed
from tfft.store.code import is_own
from tfft.training.kept import KEPT

ROUNDING = 3e-6
"""Tolerance for predictions above 1 (logits, quantities in large units), as a fraction of the largest."""
WEIGHTS, METADATA = "model.weights.h5", "metadata.json"
"""Files within a `.keras` file."""


def check_saving(model: keras.Model) -> None:
    """Checks that a model can be saved and opened, before time is spent on its training.

    Raises:
        ConfigError: If a layer cannot be saved, or code of your own cannot be loaded from the file.
    """
    fix = "Give your layers a `get_config`, and put `@keras.saving.register_keras_serializable()` above them"
    own = own_code(model)
    try:
        config = model.to_json()
        if own:
            keras.models.model_from_json(config)
        for layer in model._flatten_layers():
            if is_own(type(layer)):
                layer.save_own_variables({})
    except Exception as error:  # of any kind, from code of your own
        first = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{listed(own) or model.name} cannot be saved: {first}", fix=fix) from error


def check_saved(
    model: keras.Model, path: Path, *, sample: Any, expected: Callable[[], Any] | None, earlier: Path
) -> None:
    """Checks that plain Keras opens a saved model, and that it gives the predictions of the model.

    If the file differs from an earlier one, which was checked, in nothing but its weights, and these are those of the
    model bit by bit, that is enough.

    Args:
        model: The model.
        path: Where it was saved.
        sample: A few inputs to compare predictions on, which may differ only by rounding.
        expected: Returns the predictions to compare with; None for those of `model`.
        earlier: A file that was checked before; it may not exist.

    Raises:
        ConfigError: If plain Keras cannot open the file, or it differs.
    """
    if not own_code(model) and _all_but_weights(path) == _all_but_weights(earlier) and _same_weights(model, path):
        return
    fix = f"Use Keras's own layers in the backbone; the trained weights are in {KEPT}"
    try:
        reopened = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(f"Plain Keras cannot open the saved model: {first}", fix=fix) from error
    if expected is None:
        answers, reread = _answers(model, sample), _answers(reopened, sample)
    else:
        answers, reread = expected(), reopened.predict(sample, verbose=0)  # the tokenizers of KerasHub need a graph
    for ours, theirs in zip(tree.flatten(answers), tree.flatten(reread), strict=True):
        largest = np.abs(ours).max(initial=0)
        # a prediction near zero has the rounding error of larger ones next to it
        if not np.allclose(ours, theirs, rtol=1e-4, atol=ROUNDING * largest if largest > 1 else 1e-6):
            difference = np.abs(ours - theirs).max()
            raise ConfigError(f"Predictions of the saved and the trained model differ by up to {difference:g}", fix=fix)


def own_code(model: keras.Model) -> list[str]:
    """Names of your own layers and functions in a model: registered with Keras here, unknown to it elsewhere."""
    layers = list(model._flatten_layers())
    parts = [type(layer) for layer in layers] + [
        value for layer in layers for value in vars(layer).values() if callable(value)
    ]
    return sorted({part.__name__ for part in parts if hasattr(part, "__name__") and is_own(part)})


def _all_but_weights(path: Path) -> dict[str, Any] | Path:
    """The checksums of the parts of a `.keras` file and the version of Keras; its path if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as parts:
            version = json.loads(parts.read(METADATA))["keras_version"]
            sums = {part.filename: part.CRC for part in parts.infolist()}
    except (OSError, zipfile.BadZipFile, ValueError, KeyError):
        return path
    return {name: crc for name, crc in sums.items() if name not in (WEIGHTS, METADATA)} | {METADATA: version}


def _same_weights(model: keras.Model, path: Path) -> bool:
    """Whether the weights in the file equal those of the model; False with adapters, which Keras merges."""
    weights = model.get_weights()
    try:
        model.load_weights(path)
        read = model.get_weights()
    except ValueError:
        return False
    finally:
        model.set_weights(weights)
    return all(ours.tobytes() == theirs.tobytes() for ours, theirs in zip(weights, read, strict=True))


def _answers(model: keras.Model, sample: Any) -> Any:
    """Predictions for a few inputs, layer by layer: to trace `predict` would take longer than to answer."""
    inputs = tree.map_structure(tf.convert_to_tensor, sample)
    return tree.map_structure(np.asarray, model(inputs, training=False))
