"""What a person may pass to a model: files, folders, tables, bytes, arrays, texts; one item after another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfft.data.reading.images import BadPictureError, fit, opened
from tfft.data.reading.tokens import MOST_CHARACTERS, seen
from tfft.data.sources.files import files_below, picture_files, readable
from tfft.data.sources.tables import table_rows
from tfft.data.sources.text_files import SUFFIXES, cell, text_lines, text_rows
from tfft.errors import ConfigError, DataError
from tfft.serving.answers import Unreadable

TABLES = (".csv", ".tsv")
"""Suffixes of tables of pictures."""
INPUTS = "INPUTS"
"""What names the inputs on the command line."""
SHOWN = 60
"""Characters of a text that stand for it."""
GREY, COLOURED = 2, 3
"""Axes of one picture."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One picture or text, not read yet."""

    where: str
    """A path, or its number."""
    content: Any
    """A path; or bytes, a picture of Pillow or an array; or a text."""


@dataclass(frozen=True, eq=False)
class Read:
    """One picture or text as the model takes it."""

    where: str
    row: Any
    """Pixels, (height, width, 3), uint8; or the text."""
    size: tuple[int, int] | None = None
    """Height and width of a picture as it stands upright, in pixels."""


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
        if isinstance(inputs, (bytes, bytearray, memoryview, Image.Image)):
            return True
        axes = getattr(inputs, "ndim", None)
        return axes == GREY or (axes == COLOURED and inputs.shape[-1] in (1, 3, 4))

    def items(self, inputs: Any) -> Iterator[Asked]:
        """The pictures of a file, a folder, a table, an array, or any collection of these.

        Raises:
            DataError: If a folder has no pictures, or a table cannot be read.
        """
        if not self.is_one(inputs) and not isinstance(inputs, (str, os.PathLike)):
            for number, one in enumerate(_each(inputs)):
                yield from self._found(one, str(number))
        else:
            yield from self._found(inputs, "picture")

    def _found(self, one: Any, name: str) -> Iterator[Asked]:
        if not isinstance(one, (str, os.PathLike)):
            yield Asked(name, one)
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
            if isinstance(content, os.PathLike):
                content = Path(content).read_bytes()
            if isinstance(content, (bytes, bytearray, memoryview)):
                with opened(bytes(content)) as image:
                    fitted = fit(image, self.image_size)
            elif isinstance(content, Image.Image):
                fitted = fit(content.copy(), self.image_size)  # a copy: fitting changes pictures that are not loaded
            else:
                fitted = fit(Image.fromarray(_as_bytes(np.asarray(content))), self.image_size)
        except (BadPictureError, OSError) as error:
            return Unreadable(asked.where, getattr(error, "strerror", None) or str(error) or type(error).__name__)
        except (ValueError, TypeError, MemoryError) as error:
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
    if picture.dtype == np.uint16:
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


@dataclass(frozen=True)
class TextReader:
    """Finds texts in what a person passes."""

    column: str
    """Column of a table, or key of JSON lines, that has the texts."""
    lines: bool = False
    """Whether each line of a .txt file is a text."""

    def is_one(self, inputs: Any) -> bool:
        """Whether this is one text, not a collection."""
        if isinstance(inputs, (str, os.PathLike)):
            many = _is_path(inputs) and (os.path.isdir(inputs) or str(inputs).lower().endswith(SUFFIXES) or self.lines)
            return not many
        return isinstance(inputs, (bytes, bytearray, memoryview))

    def items(self, inputs: Any) -> Iterator[Asked]:
        """The texts of a string, a file, a folder of .txt files, a table, or any collection of these.

        A string is a text itself, unless there is a file or folder of that name; in a collection only a `Path` is one.

        Raises:
            DataError: If a folder has no texts, or a table cannot be read.
        """
        if isinstance(inputs, (bytes, bytearray, memoryview)):
            yield Asked("text", bytes(inputs))
        elif isinstance(inputs, (str, os.PathLike)):
            yield from self._found(Path(inputs)) if _is_path(inputs) else [_said(inputs)]
        else:
            for number, one in enumerate(_each(inputs)):
                if isinstance(one, os.PathLike):
                    yield from self._found(Path(one))
                else:
                    yield _said(one) if isinstance(one, str) else Asked(str(number), one)

    def _found(self, path: Path) -> Iterator[Asked]:
        name = readable(str(path))
        if path.is_dir():
            files = files_below(path, lambda name: name.lower().endswith(".txt"))
            if not files:
                raise DataError(f"No .txt files in {name}", fix="Check the folder")
            for file in files:
                yield from self._found(file)
        elif path.suffix.lower() in SUFFIXES:
            for where, _, row in text_rows(path, [self.column], INPUTS, naming="`--column`"):
                yield Asked(where, cell(row, self.column, where))
        elif self.lines:
            for number, line in enumerate(text_lines(path, INPUTS), start=1):
                yield Asked(f"{name} line {number}", line)
        else:
            yield Asked(name, path)

    def read(self, asked: Asked) -> Read | Unreadable:
        """Decodes one text."""
        content = asked.content
        try:
            if isinstance(content, os.PathLike):
                content = Path(content).read_bytes()
            if isinstance(content, (bytes, bytearray, memoryview)):
                content = bytes(content).decode("utf-8-sig")
        except OSError as error:
            return Unreadable(asked.where, error.strerror or str(error))
        except UnicodeDecodeError as error:
            return Unreadable(asked.where, f"not UTF-8 at byte {error.start}")
        if not isinstance(content, str):
            return Unreadable(asked.where, f"not a text but a value of type {type(content).__name__}")
        if not any(map(seen, content)):
            return Unreadable(asked.where, "empty")
        text = content.encode("utf-8", "replace").decode()  # half a character is no Unicode, which tokenizers need
        return Read(asked.where, text[:MOST_CHARACTERS])

    def batch(self, reads: Iterable[Read]) -> np.ndarray:
        """The texts, (texts,), strings."""
        return np.array([one.row for one in reads], object)


def _said(text: str) -> Asked:
    """A text that is passed as itself: its beginning is its name."""
    line = " ".join(text[: 2 * SHOWN].split())
    return Asked(line or "text" if len(line) <= SHOWN else line[:SHOWN] + "\N{HORIZONTAL ELLIPSIS}", text)


def _is_path(inputs: str | os.PathLike[str]) -> bool:
    if isinstance(inputs, os.PathLike):
        return True
    try:
        return os.path.exists(inputs)
    except ValueError:  # with a NUL
        return False


def _each(inputs: Any) -> Iterable[Any]:
    """The entries of a collection; raises `ConfigError` for what is none."""
    if isinstance(inputs, dict) or not hasattr(inputs, "__iter__"):
        raise ConfigError(
            f"A model cannot be asked about a value of type {type(inputs).__name__}",
            fix="Pass a path, a folder, a table, bytes, an array, a text, or a list of these",
        )
    return inputs
