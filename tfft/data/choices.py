"""Settings of the data: columns of tables, lengths, views, and how rare classes are treated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Balance = Literal["none", "weights", "oversample", "undersample", "focal", "logit-adjustment", "auto"]
"""How rare classes are treated, see `BalanceFields`."""
Sampling = Literal["all", "oversample", "undersample"]
"""What an epoch shows: every example once; as many, but examples of rare classes several times; or every example of the
rarest class once, and as many of each other."""

Length = int | Literal["auto"]
"""Maximum number of tokens of a text; `"auto"` chooses it from the data."""


Level = Literal["none", "light", "strong"]
"""How strongly views are augmented, see `Augmentation`."""
Views = int | Literal["auto", "fresh"]
"""Views of each training picture; `"fresh"` makes new ones in every epoch; `"auto"` makes at most 12, if they can be
stored."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table of pictures."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    label: str = "label"
    """Class of the picture."""
    split: str | None = None
    """train, val or test, if the table assigns the splits."""
    group: str | None = None
    """Rows with the same value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class TagColumns:
    """Columns of a table of pictures with several labels each."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    tags: tuple[str, ...] = ("tags",)
    """One column that lists the labels, or one column of 1 and 0 for each label."""
    separator: str = "|"
    """Separator of the labels in a single column."""
    split: str | None = None
    """train, val or test, if the table assigns the splits."""
    group: str | None = None
    """Rows with the same value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class NumberColumns:
    """Columns of a table of pictures with numbers."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    values: tuple[str, ...] = ("value",)
    """One column for each number to predict."""
    split: str | None = None
    """train, val or test, if the table assigns the splits."""
    group: str | None = None
    """Rows with the same value (a patient, a scene) stay in one split."""


@dataclass(frozen=True)
class PairColumns:
    """Columns of a table, keys of JSON lines, or suffixes of parallel text files: source texts and their targets."""

    source: str = "source"
    """The source text; for parallel text files the suffix, such as en."""
    target: str = "target"
    """The target text; in JSON lines also a list of references, of which the model learns the first."""
    split: str | None = None
    """train, val or test, if the table assigns the splits."""
    group: str | None = None
    """Rows with the same value (a document) stay in one split."""
    test: str = "test"
    """For parallel text files, the name of the test files."""


@dataclass(frozen=True)
class TextColumns:
    """Columns of a table, or keys of JSON lines: texts and their classes."""

    text: str = "text"
    """The text."""
    label: str = "label"
    """Class of the text."""
    split: str | None = None
    """train, val or test, if the table assigns the splits."""
    group: str | None = None
    """Rows with the same value (an author, a document) stay in one split."""
