"""Finds pictures in what a person passes, and reads them as training did."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfft.data.reading.images import BadPictureError, fit, opened
from tfft.data.sources.files import picture_files, readable
from tfft.data.sources.tables import table_rows
from tfft.errors import DataError
from tfft.serving.answers import Unreadable
from tfft.serving.asked import INPUTS, Asked, Read, entries, file_bytes

TABLES = (".csv", ".tsv")
"""Suffixes of tables of pictures."""
GREY, COLOURED = 2, 3
"""Axes of one picture."""


@dataclass(frozen=True)
class PictureReader:
    """Finds pictures in what a person passes, and reads them as training did."""

    image_size: tuple[int, int]
    """Height and width of the model's input in pixels."""
    column: str
    """Column of a table that has the paths."""

    def is_one(self, inputs: Any) -> bool:
        """Whether this is one picture, not a collection."""
        if isinstance(inputs, (str, os.PathLike)):
            return not (os.path.isdir(inputs) or str(inputs).lower().endswith(TABLES))
        if isinstance(inputs, (bytes, bytearray, memoryview, Image.Image)) or hasattr(inputs, "read"):
            return True
        # of data frames the entries are asked for; of other arrays than of one picture, too
        return not hasattr(inputs, "iloc") and getattr(inputs, "ndim", None) in (GREY, COLOURED)

    def items(self, inputs: Any) -> Iterator[Asked]:
        """The pictures of a file, a folder, a table, an array, or any collection of these.

        Raises:
            DataError: If a folder has no pictures, or a table cannot be read; in a collection it becomes an answer.
        """
        if not self.is_one(inputs) and not isinstance(inputs, (str, os.PathLike)):
            for number, one in enumerate(entries(inputs, self.column)):
                try:
                    yield from self._items_of(one, str(number))
                except DataError as error:  # others go on
                    yield Asked(readable(str(one)), error)
        else:
            yield from self._items_of(inputs, "picture")

    def _items_of(self, one: Any, name: str) -> Iterator[Asked]:
        if not isinstance(one, (str, os.PathLike)):
            yield Asked(name, one)
        elif not str(one).strip():
            yield Asked(name, DataError("an empty path"))
        elif os.path.isdir(one):
            if not (files := picture_files(Path(one))):
                raise DataError(f"No pictures in {one}", fix="Check the folder")
            yield from (Asked(readable(str(file)), file) for file in files)
        elif str(one).lower().endswith(TABLES):
            table = Path(one)
            for number, row in table_rows(table, [self.column], INPUTS, naming="`--column`"):
                name = (row[self.column] or "").strip()
                yield Asked(name or f"{table.name} row {number}", table.parent / name)
        else:
            yield Asked(readable(str(one)), Path(one))

    def read(self, asked: Asked) -> Read | Unreadable:
        """Decodes one picture."""
        content = asked.content
        try:
            if isinstance(content, Exception):
                raise content
            if isinstance(content, os.PathLike):
                content = file_bytes(Path(content))
            elif hasattr(content, "read"):
                content = content.read()  # an open file
            if isinstance(content, (bytes, bytearray, memoryview)):
                with opened(bytes(content)) as image:
                    fitted = fit(image, self.image_size)
            elif isinstance(content, Image.Image):
                fitted = fit(content.copy(), self.image_size)  # a copy: fitting changes pictures that are not loaded
            else:
                fitted = fit(Image.fromarray(_as_bytes(np.asarray(content))), self.image_size)
        except (BadPictureError, OSError) as error:
            return Unreadable(asked.where, getattr(error, "strerror", None) or str(error) or type(error).__name__)
        except Exception as error:  # of any kind: arrays of other libraries raise their own
            return Unreadable(asked.where, str(error) or type(error).__name__)
        return Read(asked.where, fitted.pixels, fitted.size)

    def batch(self, reads: Iterable[Read]) -> np.ndarray:
        """Pixels, (pictures, height, width, 3), uint8."""
        return np.stack([one.row for one in reads])


def _as_bytes(picture: np.ndarray) -> np.ndarray:
    """Pixels in [0, 255], uint8, of an array of numbers; raises `ValueError` if it has others, or is no picture."""
    if picture.ndim == COLOURED and picture.shape[-1] == 1:
        picture = picture[..., 0]
    if picture.ndim != GREY and not (picture.ndim == COLOURED and picture.shape[-1] in (3, 4)):
        raise ValueError(f"an array of shape {picture.shape}, not (height, width, 3)")
    if 0 in picture.shape:
        raise ValueError(f"an array of shape {picture.shape}, which has no pixels")
    if picture.dtype == np.uint16 and picture.max() > 255:
        picture = picture >> 8  # as of 16-bit files
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind not in "fiu":
        raise ValueError(f"an array of {picture.dtype}, not of pixels")
    low, high = float(picture.min()), float(picture.max())
    if not 0 <= low <= high <= 255:
        raise ValueError(f"pixels from {low:g} to {high:g}: pass them in [0, 255], preprocessing is in the model")
    if 0 < high <= 1 and picture.dtype.kind == "f":
        raise ValueError("pixels from 0 to 1: pass them in [0, 255], do not divide them by 255")
    return np.rint(picture).astype(np.uint8)
