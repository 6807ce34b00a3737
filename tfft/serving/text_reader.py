"""Finds texts in what a person passes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfft.data.reading.tokens import MOST_CHARACTERS, seen
from tfft.data.sources.files import files_below, readable
from tfft.data.sources.text_files import SUFFIXES, cell, text_lines, text_rows
from tfft.errors import DataError
from tfft.serving.answers import Unreadable
from tfft.serving.asked import INPUTS, Asked, Read, entries, file_bytes

SHOWN = 60
"""Characters of a text that stand for it."""


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
        return isinstance(inputs, (bytes, bytearray, memoryview)) or hasattr(inputs, "read")

    def items(self, inputs: Any) -> Iterator[Asked]:
        """The texts of a string, a file, a folder of .txt files, a table, or any collection of these.

        A string is a text itself, unless there is a file or folder of that name; in a collection only a `Path` is one.

        Raises:
            DataError: If a folder has no texts, or a table cannot be read.
        """
        if isinstance(inputs, (bytes, bytearray, memoryview)) or hasattr(inputs, "read"):
            yield Asked("text", inputs)
        elif isinstance(inputs, (str, os.PathLike)):
            yield from self._items_of(Path(inputs)) if _is_path(inputs) else [_said(inputs)]
        else:
            for number, one in enumerate(entries(inputs, self.column)):
                if not isinstance(one, os.PathLike):
                    yield _said(one) if isinstance(one, str) else Asked(str(number), one)
                    continue
                try:
                    yield from self._items_of(Path(one))
                except DataError as error:  # others go on
                    yield Asked(readable(str(one)), error)

    def _items_of(self, path: Path) -> Iterator[Asked]:
        name = readable(str(path))
        if path.is_dir():
            files = files_below(path, lambda name: name.lower().endswith(".txt"))
            if not files:
                raise DataError(f"No .txt files in {name}", fix="Check the folder")
            for file in files:
                yield from self._items_of(file)
        elif path.suffix.lower() in SUFFIXES:
            for where, _, row in text_rows(path, [self.column], INPUTS, naming="`--column`"):
                try:
                    yield Asked(where, cell(row, self.column, where, "`--column`"))
                except DataError as error:  # others go on
                    yield Asked(where, error)
        elif self.lines:
            for number, line in enumerate(text_lines(path, INPUTS), start=1):
                yield Asked(f"{name} line {number}", line)
        else:
            yield Asked(name, path)

    def read(self, asked: Asked) -> Read | Unreadable:
        """Decodes one text."""
        content = asked.content
        try:
            if isinstance(content, Exception):
                return Unreadable(asked.where, str(content))
            if isinstance(content, os.PathLike):
                content = file_bytes(Path(content))
            if hasattr(content, "read"):
                content = content.read()  # an open file
            if hasattr(content, "numpy"):
                content = content.numpy()  # a tensor
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
