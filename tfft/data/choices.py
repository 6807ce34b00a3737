"""What a person may choose of the data: names of columns, and how rare classes are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Balance = Literal["none", "weights", "sample"]
"""Rare classes as they are; of more weight in the loss; their examples more often in an epoch."""


Length = int | Literal["auto"]
"""Tokens that a text is cut to; chosen from the data."""


Level = Literal["none", "light", "strong"]
"""How much views differ from their picture, see `Augmentation`."""
Views = int | Literal["auto", "fresh"]
"""How many views there are of each training picture; a new one in every epoch; at most 6 where they can be stored."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table of pictures."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    label: str = "label"
    """Its class."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class TagColumns:
    """Columns of a table of pictures and their tags."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    tags: tuple[str, ...] = ("tags",)
    """One column that holds names with a separator between them, or one column for each tag that holds 1 or 0."""
    separator: str = "|"
    """What stands between two names in one column."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class NumberColumns:
    """Columns of a table of pictures and their numbers."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    values: tuple[str, ...] = ("value",)
    """One column for each number that is to be learned."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class PairColumns:
    """Columns of a table, keys of JSON lines, or endings of files of lines: texts, and what is to be made of them."""

    source: str = "source"
    """The text; of files of lines the ending, such as en."""
    target: str = "target"
    """What is to be made of it; in JSON lines perhaps a list of several, of which the first is learned."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (a document) stay in one split."""
    test: str = "test"
    """Of files of lines, the name of those to test on, where it is another."""


@dataclass(frozen=True)
class TextColumns:
    """Columns of a table, or keys of JSON lines, with texts and their classes."""

    text: str = "text"
    """The text."""
    label: str = "label"
    """Its class."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (an author, a document) stay in one split."""
