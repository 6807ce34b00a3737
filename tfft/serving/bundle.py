"""Saves a model as a `.keras` file that plain Keras opens, and what is needed to use it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from tfft import files
from tfft.data.examples import Examples, Splits
from tfft.data.records import content_digest
from tfft.errors import ConfigError, listed
from tfft.evaluation.evaluation import Evaluation
from tfft.models.opening import open_model_file
from tfft.runs.run import Run
from tfft.serving.contract import Contract, write_contract
from tfft.store.code import is_own
from tfft.training.kept import KEPT, keep_weights, remove_kept_weights, weights_size
from tfft.training.state import STATE
from tfft.version import __version__

logger = logging.getLogger(__name__)

ROUNDING = 3e-6
"""Tolerance for predictions above 1 (logits, quantities in large units), as a fraction of the largest."""


def save_model(model: keras.Model, contract: Contract, folder: Path, *, sample: Any, expected: Any = None) -> Contract:
    """Writes `model.keras` and `serving.json`, and checks that the former gives the predictions of the model.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or texts.
        contract: Labels and input of the model; `save_evaluated` adds the rest.
        folder: An existing folder.
        sample: A few inputs to compare predictions on, which may differ only by rounding.
        expected: Predictions of the trained model for the sample, if it takes other inputs (tokens); None for the
            predictions of `model`.

    Returns:
        The contract.

    Raises:
        ConfigError: If plain Keras cannot open the file, or its predictions differ. After this or any other error the
            weights are in `model.weights.h5`, if there is room for them.
    """
    try:
        with files.replacing(folder / "model.keras", size=weights_size(model)) as temporary:
            model.save(temporary)
            _check_answers(model, temporary, sample, expected)
        remove_kept_weights(folder)
    except Exception:
        if not keep_weights(model, folder) and (folder / STATE).is_file():
            logger.warning("The trained weights are in %s, from which the run can be resumed", folder / STATE)
        raise
    if own := _own_code(model):
        logger.warning("model.keras opens only after `import` of your code that defines %s", listed(own))
    write_contract(contract, folder)
    return contract


def check_saving(model: keras.Model) -> None:
    """Checks that a model can be saved and opened, before time is spent on its training.

    Raises:
        ConfigError: If a layer cannot be saved, or code of your own cannot be loaded from the file.
    """
    fix = "Give your layers a `get_config`, and put `@keras.saving.register_keras_serializable()` above them"
    own = _own_code(model)
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


def open_model(folder: Path) -> keras.Model:
    """The saved model of a run, in Keras's safe mode.

    Raises:
        ConfigError: If it cannot be opened.
    """
    return open_model_file(folder / "model.keras", fix="Start a new run with another `--out`")


def save_evaluated(contract: Contract | None, scored: Evaluation, splits: Splits, current: Run) -> None:
    """Completes `serving.json` after the evaluation: task, thresholds, score, and where the model comes from.

    Args:
        contract: As `save_model` wrote it; None for a page of your own that saves no contract.
        scored: The evaluation.
        splits: The data of the run.
        current: The run.
    """
    if contract is None:
        return
    about = {
        "recipe": current.page.name,
        # of a folder its name alone: where it lies on this machine says nothing elsewhere
        "backbone": Path(str(getattr(current.config.backbone, "name", current.config.backbone))).name,
        "tfft": __version__,
        "score": scored.headline,
        "data": {name: _fingerprint(examples) for name, examples in splits.items()},
    }
    thresholds = None if scored.thresholds is None else tuple(map(float, scored.thresholds))
    done = replace(contract, task=scored.task, thresholds=thresholds, about=about)
    write_contract(done, current.folder)


def _fingerprint(examples: Examples) -> dict[str, Any]:
    """The number of examples and a hash of their content and order."""
    return {"examples": len(examples), "digest": content_digest("".join(examples.ids).encode())}


def _check_answers(model: keras.Model, path: Path, sample: Any, expected: Any) -> None:
    fix = f"Use Keras's own layers in the backbone; the trained weights are in {KEPT}"
    try:
        reopened = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(f"Plain Keras cannot open the saved model: {first}", fix=fix) from error
    if expected is None:
        expected, reread = _answers(model, sample), _answers(reopened, sample)
    else:
        reread = reopened.predict(sample, verbose=0)  # the tokenizers of KerasHub need a graph
    for ours, theirs in zip(tree.flatten(expected), tree.flatten(reread), strict=True):
        largest = np.abs(ours).max(initial=0)
        # a prediction near zero has the rounding error of larger ones next to it
        if not np.allclose(ours, theirs, rtol=1e-4, atol=ROUNDING * largest if largest > 1 else 1e-6):
            difference = np.abs(ours - theirs).max()
            raise ConfigError(f"Predictions of the saved and the trained model differ by up to {difference:g}", fix=fix)


def _answers(model: keras.Model, sample: Any) -> Any:
    """Predictions for a few inputs, layer by layer: to trace `predict` would take longer than to answer."""
    inputs = tree.map_structure(tf.convert_to_tensor, sample)
    return tree.map_structure(np.asarray, model(inputs, training=False))


def _own_code(model: keras.Model) -> list[str]:
    """Names of your own layers and functions in a model: registered with Keras here, unknown to it elsewhere."""
    layers = list(model._flatten_layers())
    parts = [type(layer) for layer in layers] + [
        value for layer in layers for value in vars(layer).values() if callable(value)
    ]
    return sorted({part.__name__ for part in parts if hasattr(part, "__name__") and is_own(part)})
