"""The only size of pictures that a network of your own takes, read without loading Keras."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

LARGEST = 100_000_000
"""Bytes of a `config.json` that is read; those of the largest networks have a few million."""


def own_size(backbone: Any) -> tuple[int, int] | None:
    """Height and width in pixels, if a `.keras` file or a `keras.Model` takes pictures of one size only.

    Returns None if it takes any size, or cannot be read: opening it says what is wrong.
    """
    try:
        shape = _shape_in(Path(backbone).expanduser()) if isinstance(backbone, str) else backbone.inputs[0].shape
        _, height, width, _ = shape
    except Exception:  # of any kind: a file may be damaged, and a backbone an encoder of texts
        return None
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _shape_in(path: Path) -> list[int | None]:
    if not path.is_file():  # reading a pipe or a device may never end
        return []
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("config.json").file_size > LARGEST:
            return []
        return json.loads(archive.read("config.json"))["config"]["layers"][0]["config"]["batch_shape"]
