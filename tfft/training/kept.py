"""The weights of a run that fails after it has trained, as a file of their own."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np

from tfft import files
from tfft.models.precision import in_float32

logger = logging.getLogger(__name__)

KEPT = "model.weights.h5"
"""A file in the run folder; the model of the page reads it with `load_weights`."""


def keep_weights(model: keras.Model, folder: Path) -> bool:
    """Writes the weights into a run folder; says so and returns True, or False if they cannot be written.

    Nothing is raised, since an error is on its way already.
    """
    with suppress(Exception):
        # h5py ends the process if the disk becomes full
        with in_float32(model), files.replacing(folder / KEPT, size=weights_size(model)) as temporary:
            model.save_weights(temporary)
        logger.warning("The trained weights are in %s", folder / KEPT)
        return True
    return False


def weights_size(model: keras.Model) -> int:
    """Bytes of the weights of a model."""
    return sum(math.prod(weight.shape) * np.dtype(weight.dtype).itemsize for weight in model.weights)


def remove_kept_weights(folder: Path) -> None:
    """Removes the weights of an earlier attempt, which are no longer needed."""
    (folder / KEPT).unlink(missing_ok=True)
