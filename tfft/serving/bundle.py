"""The saved model: a `.keras` file that plain Keras opens, and the names of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from tfft import files
from tfft.errors import TfftError


def save_model(model: keras.Model, labels: Sequence[str], folder: Path, *, sample: np.ndarray) -> None:
    """Writes `model.keras` and `labels.txt`, and proves that the file answers as the model does.

    Args:
        model: Takes (batch, height, width, 3) in [0, 255].
        labels: One for each output, written one a line, backslashes and line breaks escaped.
        folder: An existing folder.
        sample: A few inputs to compare the answers on.

    Raises:
        TfftError: If the saved file opens to another answer; no file is left then.
    """
    with files.replacing(folder / "model.keras") as temporary:
        model.save(temporary)
        reopened = keras.saving.load_model(temporary, compile=False)
        expected, received = model.predict(sample, verbose=0), reopened.predict(sample, verbose=0)
        if not np.array_equal(expected, received):
            raise TfftError(
                "The saved model answers as the trained one",
                received=f"answers that differ by up to {np.abs(expected - received).max():g}",
                fix="Save the weights alone with `model.save_weights`, and report this as a fault of tfft",
            )
    files.write_text(folder / "labels.txt", "".join(_one_line(label) + "\n" for label in labels))


def _one_line(label: str) -> str:
    return label.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
