"""The saved model: a `.keras` file that plain Keras opens, and the names of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import tree

from tfft import files
from tfft.errors import ConfigError

ROUNDING = 3e-6
"""Of answers above one (logits, quantities in large units), in parts of the largest of them."""


def save_model(model: keras.Model, labels: Sequence[str], folder: Path, *, sample: Any, expected: Any = None) -> None:
    """Writes `model.keras` and `labels.txt`, and proves that the file answers as the model does.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or texts.
        labels: One for each output, written one a line, backslashes and line breaks escaped.
        folder: An existing folder.
        sample: A few inputs to compare the answers on; they may differ by rounding alone.
        expected: Answers to them of the model that was trained, where it takes other inputs (tokens); None for those of
            `model`.

    Raises:
        ConfigError: If the file does not open in plain Keras, or opens to other answers. Then the folder holds
            `model.weights.h5` instead, so that the training is not lost.
    """
    try:
        with files.replacing(folder / "model.keras") as temporary:
            model.save(temporary)
            _check_answers(model, temporary, sample, expected)
    except ConfigError:
        with files.replacing(folder / "model.weights.h5") as temporary:
            model.save_weights(temporary)
        raise
    files.write_text(folder / "labels.txt", "".join(_one_line(label) + "\n" for label in labels))


def save_thresholds(labels: Sequence[str], thresholds: Sequence[float] | None, folder: Path) -> None:
    """Writes `thresholds.json`: for each label the probability from which on it is there; nothing for None."""
    if thresholds is None:
        return
    files.write_json(folder / "thresholds.json", dict(zip(labels, map(float, thresholds), strict=True)))


def _check_answers(model: keras.Model, path: Path, sample: Any, expected: Any) -> None:
    fix = "Use Keras's own layers in the backbone; the trained weights are in model.weights.h5"
    try:
        reopened = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError("The saved model opens in plain Keras", received=first, fix=fix) from error
    expected = model.predict(sample, verbose=0) if expected is None else expected
    received = reopened.predict(sample, verbose=0)
    for ours, theirs in zip(tree.flatten(expected), tree.flatten(received), strict=True):
        largest = np.abs(ours).max(initial=0)
        # an answer near zero is rounded as the large ones beside it are
        if not np.allclose(ours, theirs, rtol=1e-4, atol=ROUNDING * largest if largest > 1 else 1e-6):
            difference = f"answers that differ by up to {np.abs(ours - theirs).max():g}"
            raise ConfigError("The saved model answers as the trained one", received=difference, fix=fix)


def _one_line(label: str) -> str:
    return label.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
