"""The weights of a run that fails after it has trained, as a file of their own."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import keras

from tfft import files

logger = logging.getLogger(__name__)

KEPT = "model.weights.h5"
"""A file in the run folder; the model of the page reads it with `load_weights`."""


def keep_weights(model: keras.Model, folder: Path) -> bool:
    """Writes the weights into a run folder; says so and returns True, or False if they cannot be written.

    Nothing is raised, since an error is on its way already.
    """
    with suppress(Exception):
        with files.replacing(folder / KEPT) as temporary:
            model.save_weights(temporary)
        logger.warning("The trained weights are in %s", folder / KEPT)
        return True
    return False


def remove_kept_weights(folder: Path) -> None:
    """Removes the weights of an earlier attempt, which are no longer needed."""
    (folder / KEPT).unlink(missing_ok=True)
