"""Saves a model as a `.keras` file that plain Keras opens, and what is needed to use it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from tfft import files
from tfft.data.examples import Examples, Splits
from tfft.data.records import content_digest
from tfft.errors import listed
from tfft.evaluation.evaluation import Evaluation
from tfft.models.opening import open_model_file
from tfft.models.precision import in_float32
from tfft.runs.run import Run
from tfft.serving.checking import check_saved, own_code
from tfft.serving.contract import Contract, write_contract
from tfft.training.kept import keep_weights, remove_kept_weights, weights_size
from tfft.training.state import STATE
from tfft.version import __version__

logger = logging.getLogger(__name__)


def save_model(
    model: keras.Model,
    contract: Contract,
    folder: Path,
    *,
    sample: Any,
    expected: Callable[[], Any] | None = None,
) -> Contract:
    """Writes `model.keras` and `serving.json`, and checks that the former gives the predictions of the model.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or texts. It is saved to compute in float32.
        contract: Labels and input of the model; `save_evaluated` adds the rest.
        folder: An existing folder.
        sample: A few inputs to compare predictions on, which may differ only by rounding.
        expected: Returns the predictions of the trained model for the sample, if it takes other inputs (tokens); None
            for the predictions of `model`.

    Returns:
        The contract.

    Raises:
        ConfigError: If plain Keras cannot open the file, or its predictions differ. After this or any other error the
            weights are in `model.weights.h5`, if there is room for them.
    """
    try:
        path = folder / "model.keras"
        with in_float32(model), files.replacing(path, size=weights_size(model)) as temporary:
            model.save(temporary)
            check_saved(model, temporary, sample=sample, expected=expected, earlier=path)
        remove_kept_weights(folder)
    except Exception:
        if not keep_weights(model, folder) and (folder / STATE).is_file():
            logger.warning("The trained weights are in %s, from which the run can be resumed", folder / STATE)
        raise
    if own := own_code(model):
        logger.warning("model.keras opens only after `import` of your code that defines %s", listed(own))
    write_contract(contract, folder)
    return contract


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
